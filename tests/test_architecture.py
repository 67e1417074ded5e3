"""What import-linter cannot see: imports at run time, the folder named packaging, what a wheel holds."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"app", "viewer", "inference", "resources"}


def modules_after(code: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after running ``code``."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('\\n'.join(sys.modules))"],
        capture_output=True, text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "from inference.registry import find_cards; assert find_cards()",
        "import viewer.grid",
        "import app.ui.start",
        "import app.__main__, app.cli.scan, app.cli.models",
    ],
)
def test_torch_is_not_imported_before_a_model_runs(code: str) -> None:
    assert "torch" not in modules_after(code)


@pytest.mark.parametrize("heavy", ["torch", "pydicom", "highdicom", "sqlalchemy", "scipy", "SimpleITK"])
def test_the_window_module_imports_nothing_slow(heavy: str) -> None:
    assert heavy not in modules_after("import app.ui.start, app.ui.main_window")


@pytest.mark.parametrize("made", ["import app.ui", "make_window().finish()"])
def test_an_empty_window_has_loaded_nothing_that_only_some_panels_need(made: str, tmp_path: Path) -> None:
    code = f"""
import os
os.environ.update(QT_QPA_PLATFORM="offscreen", BREASTLENS_HOME={str(tmp_path)!r})
from PySide6.QtWidgets import QApplication
from app.ui.start import make_window
application = QApplication([])
{made}
import sys; sys.stdout.write("\\n".join(sys.modules)); sys.stdout.flush(); os._exit(0)
"""
    heavy = {"vtk", "vtkmodules", "pyqtgraph", "torch", "SimpleITK"}
    assert not heavy & {name.split(".")[0] for name in modules_after(code)}


def test_the_headless_half_runs_without_qt() -> None:
    loaded = modules_after(
        "import app.studies.scan, app.studies.load, app.workspace.store, app.settings, app.analysis\n"
        "import app.cli.scan, app.cli.render, app.cli.analyse, app.cli.doctor, viewer.windowing, viewer.layers.types"
    )
    assert not [name for name in loaded if name.split(".")[0] in ("PySide6", "pyqtgraph")]


def test_the_compiler_of_torch_is_never_loaded() -> None:
    """Triton's LLVM and the one of Mesa, which the volume view brings without a graphics card, crash each other."""
    code = "import inference.registry, torch.utils._triton as found; assert not found.has_triton_package()"
    assert not [name for name in modules_after(code) if name.startswith("triton.")]


def test_packaging_is_a_folder_of_scripts_and_never_a_package() -> None:
    assert not (ROOT / "packaging" / "__init__.py").exists()  # it would shadow PyPI's packaging
    import packaging.version

    assert "site-packages" in packaging.version.__file__


def test_tests_have_no_package_files() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.slow
def test_a_wheel_holds_exactly_the_four_packages(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert top == PACKAGES
    assert any(name.startswith("resources/models/") and name.endswith(".safetensors") for name in names)
    assert any(name.startswith("resources/taxonomies/") for name in names)
    assert any(name.startswith("app/workspace/migrations/") for name in names)


FORBIDDEN_CALLS = {("torch", "load"), ("pickle", "load"), ("pickle", "loads")}


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_nothing_unpickles(package: str) -> None:
    offenders = []
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                if isinstance(owner, ast.Name) and (owner.id, node.func.attr) in FORBIDDEN_CALLS:
                    offenders.append(f"{path.relative_to(ROOT)}:{node.lineno}")
                if node.func.attr == "load" and any(
                    k.arg == "allow_pickle" and getattr(k.value, "value", None) is True for k in node.keywords
                ):
                    offenders.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert offenders == []


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for package in sorted(PACKAGES)
        for path in (ROOT / package).rglob("*.py")
        if not ast.get_docstring(ast.parse(path.read_text("utf-8"))) and "migrations" not in path.parts
    ]
    assert silent == []
