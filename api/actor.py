"""Actor: who asks, without HTTP."""

from dataclasses import dataclass, field

from data.scope import Scope, nothing
from gis.errors import NotPermitted

WALL = "wall"
"""The role, and the kind of session, of a wall of screens."""
WALL_PAGE = "/?wall=1"


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person, an integration's token, a wall, or the system itself."""

    person_id: int
    sign_in_name: str
    name: str
    roles: frozenset[str]
    permissions: frozenset[str]
    scope: Scope = field(default_factory=nothing)
    area_ids: tuple[int, ...] = ()
    language: str = "zh"
    kind: str = "browser"

    @property
    def is_wall(self) -> bool:
        """Whether nobody sits before the screen: it is read, and changes nothing."""
        return self.kind == WALL

    def may(self, permission: str) -> bool:
        """Whether the actor's roles give a permission; where it holds is the scope's matter."""
        return permission in self.permissions

    def must(self, permission: str) -> None:
        """Refuse unless the actor has a permission."""
        if not self.may(permission):
            raise NotPermitted("Your role does not allow this.", permission=permission)
