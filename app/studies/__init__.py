"""Studies: what lies in a folder of images, read headers first and pixels on demand. Qt-free."""
