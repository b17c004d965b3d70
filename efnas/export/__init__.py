"""A subnet as an INT8 file: its weights, the converter, the file's graph, composed files, the host's part."""
