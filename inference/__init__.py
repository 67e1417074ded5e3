"""The engine: arrays with geometry in, results out. Never imports Qt, the viewer or the application."""

import sys

# Triton is PyTorch's compiler for graphics cards, which nothing here uses; torch would still load its library when some
# of its modules are imported. That library carries an LLVM of its own, and loaded after Mesa's (which a volume view on
# a computer without a graphics card brings) it crashes the process. A name that is None cannot be imported.
sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
