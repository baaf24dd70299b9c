"""Pure rules of the frame worker: which frames are next, and which travel together."""
