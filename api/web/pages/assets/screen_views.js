// The views of the big screen. Each says whether it has something to show, and shows it.

import { Moving, amount, called, flower, glow, language, make, name, named, paint, plain, put, say, texts, wear } from "./screen_parts.js";
import { ago, clock } from "./screen_times.js";

const TEAMS = 12; // at a time; where there are more, they take turns
const NEWS = 6;
const OTHERS = 6;

class View {
  constructor(id, seconds) {
    this.name = id;
    this.seconds = seconds;
    this.section = document.querySelector(`#${id}`);
    this.body = this.section.querySelector(".body");
  }

  /** It is this view's turn. */
  enter() {}
}

/** Teams, as many as can be read at a time. */
class OfTeams extends View {
  #turn = -1;

  enter() {
    this.#turn += 1;
  }

  page(screen) {
    const count = screen.teams.length;
    const first = (this.#turn % Math.ceil(count / TEAMS)) * TEAMS;
    const shown = screen.teams.slice(first, first + TEAMS);
    put(this.section.querySelector(".more"), count > TEAMS ? `${first + 1}–${first + shown.length} / ${count}` : "");
    put(this.section.querySelector(".unit"), screen.score === "mean" ? texts.per_member : texts.credits);
    return shown;
  }
}

export class Teams extends OfTeams {
  #list = new Moving(this.body, tile, fillTile);

  has = (screen) => screen.teams.length > 0;

  show(screen) {
    const isMean = screen.score === "mean";
    const shown = this.page(screen).map((team) => ({ ...team, isMean, leads: leads(screen, team) }));
    this.section.style.setProperty("--columns", columns(shown.length));
    this.section.style.setProperty("--rows", Math.ceil(shown.length / columns(shown.length)));
    this.#list.show(shown);
  }
}

/** So many beside each other that tiles are about as wide as the screen is. */
function columns(count) {
  return count <= 3 ? count : Math.ceil(count / (count <= 8 ? 2 : 3));
}

function leads(screen, team) {
  const [first, second] = screen.teams;
  return team.id === first.id && Number(first.credits) > 0 && (!second || second.rank > 1);
}

function tile() {
  const crest = make("span", "badge");
  const flowers = make("div", "flowers", flower(), make("span", "number"), make("span", "unseen", texts.flowers));
  return make("li", "tile", crest, make("div", "place number"), make("div", "name", named("")), make("div", "score number"), flowers);
}

function fillTile(element, team) {
  paint(element, team.place);
  wear(element.querySelector(".badge"), team);
  element.classList.toggle("leads", team.leads);
  put(element.querySelector(".place"), say("rank", { rank: team.rank }));
  name(element.querySelector(".name"), team.name);
  const score = scoreOf(team, team.isMean);
  const shown = element.querySelector(".score");
  if (shown.textContent && shown.textContent !== score) glow(element);
  put(shown, score);
  shown.style.setProperty("--digits", Math.max(4, score.length));
  put(element.querySelector(".flowers .number"), amount(team.flowers, "flowers", team.isMean));
}

const scoreOf = (team, isMean) => amount(team.credits, "credits", isMean);

export class Race extends OfTeams {
  #list = new Moving(this.body, bar, fillBar);

  has = (screen) => screen.teams.length > 1;

  show(screen) {
    const isMean = screen.score === "mean";
    const most = Math.max(1, ...screen.teams.map((team) => Number(team.credits)));
    const shown = this.page(screen);
    this.section.style.setProperty("--rows", Math.max(4, shown.length));
    this.section.style.setProperty("--digits", Math.max(...shown.map((team) => scoreOf(team, isMean).length)));
    this.#list.show(shown.map((team) => ({ ...team, isMean, share: Math.max(0, Number(team.credits)) / most })));
  }
}

function bar() {
  const track = make("div", "track", make("span", "fill"), make("span", "score number"));
  return make("li", "lane", make("span", "place number"), make("span", "badge"), make("span", "name", named("")), track);
}

function fillBar(element, team) {
  paint(element, team.place);
  wear(element.querySelector(".badge"), team);
  put(element.querySelector(".place"), String(team.rank));
  name(element.querySelector(".name"), team.name);
  put(element.querySelector(".score"), scoreOf(team, team.isMean));
  element.style.setProperty("--share", team.share.toFixed(4));
}

export class People extends View {
  #list = new Moving(this.body, row, fillRow);
  #of;
  #unit;

  constructor(id, seconds, of, unit) {
    super(id, seconds);
    this.#of = of;
    this.#unit = unit;
  }

  has = (screen) => screen[this.#of].length > 0;

  show(screen) {
    const teams = new Map(screen.teams.map((team) => [team.place, team]));
    const people = screen[this.#of];
    const most = Math.max(1, ...people.map((person) => person.score));
    this.#list.show(people.map((person) => ({ ...person, unit: this.#unit, of: teams.get(person.team), share: Math.max(0, person.score) / most })));
  }
}

function row() {
  const who = make("div", "whom", make("div", "name", named("")), make("div", "team", named("")), make("span", "share"));
  return make("li", "row", make("span", "medal number"), who, make("span", "badge"), make("span", "score number"));
}

function fillRow(element, person) {
  paint(element, person.team);
  element.querySelector(".medal").dataset.rank = person.rank;
  put(element.querySelector(".medal"), String(person.rank));
  name(element.querySelector(".name"), called(person));
  put(element.querySelector(".team bdi"), person.of?.name ?? "");
  wear(element.querySelector(".badge"), person.of);
  put(element.querySelector(".score"), amount(person.score, person.unit));
  element.style.setProperty("--share", person.share.toFixed(4));
}

export class Duel extends View {
  #title = this.section.querySelector("h2 span");
  #sides = [side(), side()];
  #rope = make("div", "rope", make("span", "pull"), make("span", "pull second"));
  #when = make("div", "when");
  #list;
  #match;
  #turn = -1;

  constructor(id, seconds) {
    super(id, seconds);
    const others = make("ol", "others");
    this.#list = new Moving(others, () => make("li", "other", make("span", "place number"), make("span", "badge"), make("span", "name", named("")), make("span", "score number")), fillOther);
    this.body.append(make("div", "sides", this.#sides[0], make("div", "versus", "PK"), this.#sides[1]), this.#rope, this.#when, others);
  }

  enter() {
    this.#turn += 1; // where several run, they take turns, too
  }

  has = (screen) => screen.matches.some((match) => match.places.length > 1);

  show(screen) {
    const matches = screen.matches.filter((match) => match.places.length > 1);
    const match = (this.#match = matches[this.#turn % matches.length]);
    const teams = new Map(screen.teams.map((team) => [team.place, team]));
    put(this.#title, plain(match.name));
    put(this.section.querySelector(".unit"), texts[match.unit]);
    // In one order while it runs, so that nobody changes sides when the lead does.
    const pair = match.places.slice(0, 2).sort((one, other) => one.id - other.id);
    const sum = Math.max(1, Math.max(0, pair[0].score) + Math.max(0, pair[1].score));
    pair.forEach((place, index) => {
      fillSide(this.#sides[index], match, place, teams);
      this.#rope.children[index].style.setProperty("--share", match.places.every((each) => each.score <= 0) ? "0.5" : (Math.max(0, place.score) / sum).toFixed(4));
      paint(this.#rope.children[index], colourOf(place));
    });
    this.#list.show(match.places.slice(2, 2 + OTHERS).map((place) => ({ ...place, of: teamOf(place, teams), unit: match.unit })));
    this.tick();
  }

  tick() {
    const match = this.#match;
    if (!match) return;
    const now = clock();
    const [from, to] = [Date.parse(match.starts_at), Date.parse(match.ends_at)];
    this.section.dataset.status = match.status;
    if (match.status === "settled") put(this.#when, say("settled", { time: ago(to) }));
    else if (now < from) put(this.#when, say("begins", { time: ago(from) }));
    else if (now < to) put(this.#when, say("left", { time: countdown(to - now) }));
    else put(this.#when, texts.over);
  }
}

function side() {
  return make("div", "side", make("span", "badge"), make("div", "name", named("")), make("div", "score number"), make("div", "wins"));
}

function fillSide(element, match, place, teams) {
  paint(element, colourOf(place));
  wear(element.querySelector(".badge"), teamOf(place, teams));
  name(element.querySelector(".name"), called(place));
  const score = amount(place.score, match.unit);
  put(element.querySelector(".score"), score);
  element.style.setProperty("--digits", score.length);
  const winners = match.places.filter((each) => each.wins).length;
  element.classList.toggle("won", place.wins);
  put(element.querySelector(".wins"), place.wins ? (winners > 1 ? texts.draw : texts.winner) : "");
}

function fillOther(element, place) {
  paint(element, colourOf(place));
  wear(element.querySelector(".badge"), place.of);
  put(element.querySelector(".place"), String(place.rank));
  put(element.querySelector(".name bdi"), called(place));
  put(element.querySelector(".score"), amount(place.score, place.unit));
}

/** Of a contestant that is a team its own, of a learner the team's. */
function colourOf(contestant) {
  return contestant.place ?? contestant.team;
}

function teamOf(contestant, teams) {
  return contestant.key ? contestant : teams.get(contestant.team);
}

const DAYS = new Intl.NumberFormat(language, { style: "unit", unit: "day", unitDisplay: "long" });

function countdown(ms) {
  const seconds = Math.ceil(ms / 1_000);
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor((seconds % 86_400) / 3_600)];
  const rest = [hours, Math.floor((seconds % 3_600) / 60), seconds % 60].map((part) => String(part).padStart(2, "0")).join(":");
  return days ? `${DAYS.format(days)} ${rest}` : rest;
}

export class News extends View {
  #list = new Moving(this.body, item, fillItem);
  #shown = [];

  has = (screen) => screen.awards.length > 0;

  show(screen) {
    this.#shown = screen.awards.slice(0, NEWS).map((award) => ({ ...award, id: award.number }));
    this.#list.show(this.#shown);
  }

  tick() {
    this.#list.show(this.#shown);
  }
}

function item() {
  const line = make("div", "line", make("span", "badge"), make("span", "to"));
  const gift = make("div", "gift", make("span", "gain number"), make("span", "what"));
  return make("li", "item", line, gift, make("div", "reason"), make("div", "by", make("span", "giver"), make("span", "when")));
}

export function fillItem(element, award) {
  if (element.dataset.number !== String(award.number)) {
    element.dataset.number = award.number;
    paint(element, award.team?.place);
    wear(element.querySelector(".badge"), award.team);
    element.querySelector(".giver").replaceChildren(...giver(award));
    element.querySelector(".to").replaceChildren(named(receivers(award)));
    put(element.querySelector(".gain"), `+${amount(award.amount, award.unit)}`);
    element.querySelector(".what").replaceChildren(award.unit === "flowers" ? flower() : texts.credits);
    const reason = plain(award.reason);
    element.querySelector(".reason").replaceChildren(...(reason ? [named(reason)] : []));
  }
  const when = element.querySelector(".when");
  if (when) put(when, ago(Date.parse(award.at), true));
}

function giver(award) {
  const role = make("small", "", award.role ? texts[award.role] : texts.hr);
  return award.giver ? [named(award.giver), " ", role] : [role];
}

function receivers(award) {
  if (award.to.length === 0) return award.team?.name ?? texts.someone;
  const first = called(award.to[0]);
  return award.count > 1 ? say("and_more", { name: first, count: award.count - 1 }) : first;
}
