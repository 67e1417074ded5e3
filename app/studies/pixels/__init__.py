"""From the bytes of a file to grey or colour values, and how they are shown."""
