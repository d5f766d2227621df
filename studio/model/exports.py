"""The images that a project can export."""

from studio.project.records import ProjectError
from studio.project.search import Query
from studio.project.store import Project

OF_FAVOURITES = ("images", "sheet", "video")
"""Formats that are made of the images that a person likes."""


def favourites(project: Project, least_stars: int) -> set[int]:
    """Images that have at least so many stars or are liked, and are not rejected; empty if the project cannot be read."""
    try:
        starred = set(project.find(Query(stars=least_stars))) | set(project.find(Query(flag="like")))
        return starred - set(project.find(Query(flag="reject")))
    except ProjectError:
        return set()
