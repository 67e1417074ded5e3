"""The conductor: studies, workspace, analysis, command line, and the window that joins engine and glass."""
