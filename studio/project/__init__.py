"""A project on disk: ratings, images, grids and checkpoints. Standard library only, no Qt."""
