"""File formats, always written atomically: bundles, checkpoints, exports (`exports`) and imports (`importing`)."""
