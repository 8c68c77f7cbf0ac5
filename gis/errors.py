"""The tree of expected failures that every room shares.

Refusal                     an expected no: a code for machines, facts for both
├── AccessRefused           who asks
│   ├── NotFound            no such thing, or not in the caller's scope: a stranger cannot tell which
│   ├── NotPermitted        the caller sees it but may not do this
│   ├── SignInNeeded        nobody is signed in
│   ├── SignInRefused       name, password or link is wrong
│   └── TooManyAttempts     wait before the next try
├── ConflictRefused         what others did meanwhile
│   ├── StaleVersion        somebody saved in between
│   ├── Conflict            it collides with something that exists
│   └── IdempotencyMismatch one key, two different requests
├── InputRefused            what came in
│   ├── BadValue            a field is out of its range or of the wrong kind
│   ├── TooLarge            more than a limit allows
│   ├── BadFile             a file cannot be read as what it claims to be
│   ├── BadMapping          a mapping file does not fit its source
│   ├── CodeRefused         a code breaks its pattern, overflows or is dead
│   └── GeometryRefused     shapes and places
│       ├── BadGeometry     broken, open, empty or of the wrong type
│       ├── BadCoordinate   not finite, or not degrees
│       ├── WrongCrs        an unknown or unfit coordinate system
│       ├── OutsideDistrict far from the deployment's own district
│       └── CoverageBroken  polygons do not tile their outline exactly
├── RuleRefused             what the rules of the work do not allow
│   ├── TransitionRefused   this state does not permit that action
│   ├── DeadlineUnknown     the calendar does not reach that far
│   ├── PlanRefused         a plan cannot go on as it is; `reason` says why
│   ├── EditRefused         borders cannot change that way; `reason` and `place` say why and where
│   └── NothingToAnalyse    too few areas or incidents for a sound statistic
└── Unavailable             a part of the system does not answer now
"""


class Refusal(Exception):
    """An expected no. `message` is one plain sentence; `facts` are values a program or a translation can use."""

    code: str = "refused"

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, (type(self), self.message, self.facts)


class AccessRefused(Refusal):
    """Who asks may not."""

    code = "access-refused"


class NotFound(AccessRefused):
    """There is no such thing within the caller's scope."""

    code = "not-found"


class NotPermitted(AccessRefused):
    """The caller may see it, but may not do this to it."""

    code = "not-permitted"


class SignInNeeded(AccessRefused):
    """Nobody is signed in, or the session has ended."""

    code = "sign-in-needed"


class SignInRefused(AccessRefused):
    """The name, the password or the link is wrong or used up."""

    code = "sign-in-refused"


class TooManyAttempts(AccessRefused):
    """Too many tries in a short time."""

    code = "too-many-attempts"


class ConflictRefused(Refusal):
    """Something else happened or exists already."""

    code = "conflict-refused"


class StaleVersion(ConflictRefused):
    """Somebody saved a newer version in between."""

    code = "stale-version"


class Conflict(ConflictRefused):
    """It collides with something that exists."""

    code = "conflict"


class IdempotencyMismatch(ConflictRefused):
    """The same idempotency key came with a different request."""

    code = "idempotency-mismatch"


class InputRefused(Refusal):
    """What came in cannot be used."""

    code = "input-refused"


class BadValue(InputRefused):
    """A value is out of its range or of the wrong kind."""

    code = "bad-value"


class TooLarge(InputRefused):
    """More than a stated limit allows."""

    code = "too-large"


class BadFile(InputRefused):
    """A file cannot be read as what it claims to be."""

    code = "bad-file"


class BadMapping(InputRefused):
    """A mapping names columns or values that its source does not have."""

    code = "bad-mapping"


class CodeRefused(InputRefused):
    """A code breaks its pattern, its number overflows, or it is dead and never used again."""

    code = "code-refused"


class GeometryRefused(InputRefused):
    """A shape or a place cannot be used."""

    code = "geometry-refused"


class BadGeometry(GeometryRefused):
    """A shape is broken, open, empty or of the wrong type."""

    code = "bad-geometry"


class BadCoordinate(GeometryRefused):
    """A coordinate is not a finite number or not a degree of longitude and latitude."""

    code = "bad-coordinate"


class WrongCrs(GeometryRefused):
    """The coordinate system is unknown, or does not fit the numbers."""

    code = "wrong-crs"


class OutsideDistrict(GeometryRefused):
    """A place lies far from the deployment's own district."""

    code = "outside-district"


class CoverageBroken(GeometryRefused):
    """Polygons do not tile their outline exactly."""

    code = "coverage-broken"


class RuleRefused(Refusal):
    """The rules of the work do not allow it."""

    code = "rule-refused"


class TransitionRefused(RuleRefused):
    """The state of an incident does not permit this action."""

    code = "transition-refused"


class DeadlineUnknown(RuleRefused):
    """The calendar of working days does not reach that far."""

    code = "deadline-unknown"


class PlanRefused(RuleRefused):
    """A plan cannot go on as it is: `reason` is nothing_changes, not_primary, not_empty or would_be_empty."""

    code = "plan-refused"


class EditRefused(RuleRefused):
    """An operation on borders has no exact or no allowed result; nothing has changed."""

    code = "edit-refused"


class NothingToAnalyse(RuleRefused):
    """Too few areas or incidents for a sound statistic."""

    code = "nothing-to-analyse"


class Unavailable(Refusal):
    """A part of the system does not answer at the moment."""

    code = "unavailable"


def _rebuilt(kind: type[Refusal], message: str, facts: dict[str, object]) -> Refusal:
    """A refusal that crosses a process border keeps its facts."""
    return kind(message, **facts)
