"""The window: joins studies, workspace, engine and glass."""
