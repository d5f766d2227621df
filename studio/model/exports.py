"""What a project has to export."""

from studio.project.records import ProjectError
from studio.project.search import Query
from studio.project.store import Project


def favourites(project: Project, least_stars: int) -> int:
    """How many images have so many stars or are liked, and are not rejected; 0 where the project cannot be read."""
    try:
        starred = set(project.find(Query(stars=least_stars))) | set(project.find(Query(flag="like")))
        return len(starred - set(project.find(Query(flag="reject"))))
    except ProjectError:
        return 0
