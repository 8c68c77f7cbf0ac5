"""What routes ask for by type: a unit of work, who asks, the settings."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session as SqlSession

from api.actor import Actor
from api.auth import actor_of
from api.settings import Settings
from data.database import Database


def settings_of(request: Request) -> Settings:
    """The settings the application was made with."""
    settings: Settings = request.app.state.settings
    return settings


def database_of(request: Request) -> Database:
    """The database the application was made with."""
    database: Database = request.app.state.database
    return database


AppSettings = Annotated[Settings, Depends(settings_of)]
AppDatabase = Annotated[Database, Depends(database_of)]
CurrentActor = Annotated[Actor, Depends(actor_of)]


def unit_of_work(database: AppDatabase, actor: CurrentActor) -> Iterator[SqlSession]:
    """One transaction for the request, as the caller."""
    with database.unit_of_work(actor.scope) as session:
        yield session


# scope="function" commits before the answer leaves; FastAPI's default commits after a 200.
Session = Annotated[SqlSession, Depends(unit_of_work, scope="function")]
