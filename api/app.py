"""The application: its resources, its errors, its JSON, its OpenAPI document."""

from typing import Any

import orjson
from flask import Flask
from flask.json.provider import JSONProvider
from werkzeug.middleware.proxy_fix import ProxyFix

from api import (
    awarders,
    awards,
    balances,
    board_auth,
    certificates,
    certification_runs,
    company,
    course_closing,
    courses,
    documentation,
    eligibility,
    enrolments,
    entries,
    events,
    health,
    issuers,
    leaderboard_stream,
    leaderboards,
    learners,
    matches,
    metrics,
    openapi,
    pins,
    plain_boards,
    problems,
    programmes,
    rejections,
    rulebook,
    simulation,
    teams,
    verification,
    widget_files,
    widget_tokens,
)
from api.app_state import State
from api.fields import KeyBesideBatch, KeyInPath
from api.pages import assets, award, catalogue, frame, home, openid, own_certificates, passbook, screen, sign_in
from api.pages.admin import access as admin_access
from api.pages.admin import awarders as admin_awarders
from api.pages.admin import certification as admin_certification
from api.pages.admin import company as admin_company
from api.pages.admin import course_closing as admin_course_closing
from api.pages.admin import entries as admin_entries
from api.pages.admin import feed as admin_feed
from api.pages.admin import learners as admin_learners
from api.pages.admin import programme as admin_programme
from api.pages.admin import programmes as admin_programmes
from api.pages.admin import roster as admin_roster
from api.pages.admin import rulebook as admin_rulebook
from api.pages.admin import screens as admin_screens
from api.pages.admin import teams as admin_teams
from api.pages.admin.reports import views as reports
from api.rate_limit import Limiter
from api.streams.boards import Boards
from api.streams.connections import Connections
from api.streams.feed import Feed
from api.streams.screens import Screens
from api.streams.watching import Room, Stream, Watch
from pointsbank.arrivals.noting import Arrivals
from pointsbank.database import Database
from pointsbank.leaderboards.reading import Leaderboards
from pointsbank.screen.reading import Screens as BigScreens
from pointsbank.settings import Settings
from rules.recording import Turnstile

RESOURCES: tuple[openapi.Resource, ...] = (
    awarders.blp,
    awards.blp,
    balances.blp,
    certificates.blp,
    certification_runs.blp,
    company.blp,
    course_closing.blp,
    courses.blp,
    eligibility.blp,
    enrolments.blp,
    entries.blp,
    events.blp,
    issuers.blp,
    leaderboard_stream.blp,
    leaderboards.blp,
    learners.blp,
    matches.blp,
    pins.blp,
    programmes.blp,
    rejections.blp,
    rulebook.blp,
    simulation.blp,
    teams.blp,
    widget_tokens.blp,
)

PAGES: tuple[frame.Pages, ...] = (
    admin_access.blp,
    admin_certification.blp,
    admin_awarders.blp,
    admin_company.blp,
    admin_course_closing.blp,
    admin_entries.blp,
    admin_learners.blp,
    admin_feed.blp,
    admin_programme.blp,
    admin_programmes.blp,
    admin_roster.blp,
    admin_screens.blp,
    admin_rulebook.blp,
    admin_teams.blp,
    award.blp,
    home.blp,
    openid.blp,
    own_certificates.blp,
    passbook.blp,
    screen.blp,
    reports.blp,
    sign_in.blp,
)


class OrjsonProvider(JSONProvider):
    """Flask's JSON by orjson: several times as fast, RFC 3339 times, UTF-8 as it is."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return orjson.dumps(obj, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)


def create_app(settings: Settings, database: Database) -> Flask:
    app = Flask("api", static_folder=None)
    app.json = OrjsonProvider(app)
    app.config |= openapi.CONFIG
    boards = Leaderboards(database, settings.redis_url)
    room = Room()
    watch = Watch(Boards(boards, leaderboards.shown), database, room)
    screens = Watch(Screens(BigScreens(database, boards)), database, room)
    app.extensions["pointsbank"] = State(
        settings,
        database,
        Turnstile(database),
        Arrivals(database),
        boards,
        watch,
        screens,
        Watch(Feed(database), database, room),
        Connections(Stream.leave),
        Limiter(settings.redis_url, "verify", verification.LIMIT),
        Limiter(settings.redis_url, "sign-in", sign_in.LIMIT),
    )
    app.url_map.converters |= {"key": KeyInPath, "key_beside_batch": KeyBesideBatch}
    app.url_map.strict_slashes = False
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]
    rest = openapi.Api(app)
    openapi.prepare(rest)
    for resource in RESOURCES:
        rest.register_blueprint(resource)
    openapi.finish(rest)
    app.register_blueprint(documentation.blp)
    app.register_blueprint(health.blp)
    app.register_blueprint(metrics.blp)
    app.register_blueprint(verification.blp)
    app.register_blueprint(widget_files.blp)
    app.register_blueprint(assets.blp)
    for page in PAGES:
        app.register_blueprint(page)
    catalogue.register(app)
    frame.register(app)
    metrics.register(app)
    board_auth.register(app)
    problems.register(app)
    app.wsgi_app = plain_boards.before(  # type: ignore[method-assign, assignment]
        app.wsgi_app, app.extensions["pointsbank"]
    )
    return app
