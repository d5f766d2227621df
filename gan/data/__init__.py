"""Training pictures, always as one uint8 array (N, R, R, 3): from a folder of image files, or drawn procedurally.

>>> from gan.data.folder import open_images
>>> intake = open_images("photos", resolution=64)   # decoded once, then memory-mapped
>>> intake.images.shape, intake.summary()
((812, 64, 64, 3), '812 pictures, 3 found twice, 1 skipped')

>>> from gan.data import procedural
>>> procedural.pool("scenes", 1000, 64).shape
(1000, 64, 64, 3)
"""
