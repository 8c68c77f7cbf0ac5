"""The peer: tipg on one schema of the database, as its documentation sets it up."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from tipg.collections import register_collection_catalog
from tipg.database import close_db_connection, connect_to_db
from tipg.factory import Endpoints
from tipg.settings import DatabaseSettings, PostgresSettings


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    # Its settings do not take the address of a Unix socket, its driver does.
    settings = PostgresSettings.model_construct(
        database_url=os.environ["BENCH_DATABASE_URL"],
        db_min_conn_size=1,
        db_max_conn_size=4,
        db_max_queries=50000,
        db_max_inactive_conn_lifetime=300,
    )
    schema = DatabaseSettings(schemas=["bench"], only_spatial_tables=True)
    await connect_to_db(app, settings=settings, schemas=["bench"])
    await register_collection_catalog(app, db_settings=schema)
    yield
    await close_db_connection(app)


app = FastAPI(lifespan=lifespan)
app.include_router(Endpoints().router)
