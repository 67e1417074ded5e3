"""The tools by name."""

from __future__ import annotations

from viewer.tools.base import Tool
from viewer.tools.draw_box import BoxTool, ExtremePointsTool
from viewer.tools.measure import MEASURE_TOOLS
from viewer.tools.navigate import NavigateTool
from viewer.tools.view import MagnifyTool, PanTool, WindowLevelTool, ZoomTool

TOOLS: dict[str, type[Tool]] = {
    tool.name: tool
    for tool in (
        NavigateTool,
        WindowLevelTool,
        PanTool,
        ZoomTool,
        BoxTool,
        ExtremePointsTool,
        *MEASURE_TOOLS,
        MagnifyTool,
    )
}


def new_tool(name: str) -> Tool:
    """Return a tool; ValueError for an unknown name."""
    if name not in TOOLS:
        raise ValueError(f"tool {name!r} is not one of {', '.join(TOOLS)}")
    return TOOLS[name]()
