"""The big screen as its page gets it, for orjson.

A learner is `{"id", "name", "number", "team"}`; where names are hidden `name` is None and both others are the
pseudonym, so nothing tells who it is. A text is a list of parts, in which a number stands for a learner. Teams have
numbers, and `place`, by which the page colours them.
"""

from collections.abc import Sequence
from typing import Any

from api.pages import assets
from pointsbank.leaderboards.boards import Members, Unit
from pointsbank.matches.match import Match
from pointsbank.matches.score import Place, Score
from pointsbank.screen.awards import Award
from pointsbank.screen.reading import Screen

PLACES = 8
"""Of a match."""


def shown(screen: Screen) -> dict[str, Any]:
    return {
        "version": assets.version(),
        "programme": screen.programme.name,
        "score": screen.score,
        "scale": screen.scale,
        "teams": _teams(screen),
        "learners": _learners(screen, "credits"),
        "blooms": _learners(screen, "flowers"),
        "matches": [_match(screen, match, score) for match, score in screen.matches],
        "awards": [_award(screen, award) for award in screen.awards],
    }


def _teams(screen: Screen) -> list[dict[str, Any]]:
    by_key = {team.key: team for team in screen.teams.values()}
    flowers = {row.member: row for row in screen.boards["teams", "flowers"].standings.rows}
    found = []
    for row in screen.boards["teams", "credits"].standings.rows:
        team = by_key.get(row.member)
        if team is not None:  # else it is a moment older than the boards
            flowered = flowers.get(row.member)
            more = {"rank": row.rank, "credits": row.score, "flowers": flowered.score if flowered else 0}
            found.append({**_team(screen, team.no), **more})
    return found


def _team(screen: Screen, no: int) -> dict[str, Any]:
    team = screen.teams[no]
    return {"id": no, "key": team.key, "name": team.name, "place": team.place}


def _learners(screen: Screen, unit: Unit) -> list[dict[str, Any]]:
    members: Members = "learners"
    found = []
    for row in screen.boards[members, unit].standings.rows:
        no = screen.keys.get(row.member)
        if no is not None and row.score != 0:
            found.append({**_person(screen, no), "rank": row.rank, "score": row.score})
    return found


def _person(screen: Screen, no: int) -> dict[str, Any]:
    person = screen.people[no]
    place = screen.teams[person.team].place if person.team in screen.teams else None
    if screen.hidden is None:
        return {"id": no, "name": person.name, "number": None, "team": place}
    number = screen.hidden.numbers.get(no)
    return {"id": number, "name": None, "number": number, "team": place}


def _text(screen: Screen, text: str) -> Sequence[str | int]:
    return [text] if screen.hidden is None else screen.hidden.hide(text)


def _match(screen: Screen, match: Match, score: Score) -> dict[str, Any]:
    winners = set() if score.result is None or score.result.reversed_by is not None else set(score.result.winners)
    return {
        "id": match.no,
        "name": _text(screen, match.name),
        "status": score.status,
        "members": match.members,
        "unit": match.unit,
        "starts_at": match.starts_at,
        "ends_at": match.ends_at,
        "contestants": len(match.contestants),
        "places": [_place(screen, match, place, place.member in winners) for place in score.places[:PLACES]],
    }


def _place(screen: Screen, match: Match, place: Place, wins: bool) -> dict[str, Any]:
    if match.members == "teams":
        no = next(each.no for each in match.contestants if each.key == place.member)
        who = _team(screen, no)
    else:
        who = _person(screen, screen.keys[place.member])
    return {**who, "rank": place.rank, "score": place.score, "wins": wins}


def _award(screen: Screen, award: Award) -> dict[str, Any]:
    """Who gave it is left out where names are hidden: a committee's members are learners."""
    hides = screen.hidden is not None
    return {
        "number": award.number,
        "at": award.at,
        "giver": None if hides else award.giver,
        "role": award.role,
        "reason": _text(screen, award.reason),
        "unit": award.unit,
        "amount": award.amount,
        "to": [] if award.is_of_team else [_person(screen, no) for no in award.receivers if no in screen.people],
        "count": award.count,
        "team": _team(screen, award.team) if award.team in screen.teams else None,
    }
