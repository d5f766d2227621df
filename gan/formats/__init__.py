"""Files, each whole or not there: bundles, checkpoints, every way out (`exports`) and every way in (`importing`)."""
