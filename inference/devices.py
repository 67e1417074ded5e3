"""Where a model can run: the processor, or a graphics card through CUDA."""

from __future__ import annotations

from inference.errors import EngineError

CHOICES = ("auto", "cpu", "cuda")


def available() -> tuple[str, ...]:
    """Return the devices of this machine, best first. Imports torch."""
    import torch

    return ("cuda", "cpu") if torch.cuda.is_available() else ("cpu",)


def describe(device: str) -> str:
    """Return a device in words: its name, and threads or memory."""
    import torch

    if device == "cuda" and torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return f"{properties.name} (CUDA, {properties.total_memory / 2**30:.0f} GiB)"
    if device == "cuda":
        return "CUDA is not available on this machine"
    return f"CPU ({torch.get_num_threads()} threads)"


def choose(wanted: str = "auto") -> tuple[str, tuple[str, ...]]:
    """Return the device to use and what the user should know about the choice.

    Parameters
    ----------
    wanted
        ``"auto"`` (CUDA where there is one), ``"cpu"`` or ``"cuda"``.
    """
    if wanted not in CHOICES:
        raise EngineError(f"There is no device {wanted!r}.", f"Choose one of: {', '.join(CHOICES)}.")
    if wanted == "cpu":
        return "cpu", ()
    device = available()[0]
    if wanted == "cuda" and device != "cuda":
        return "cpu", ("No CUDA device was found on this machine; the model ran on the processor.",)
    return device, ()
