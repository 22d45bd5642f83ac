// Times of the big screen: by the service's clock, shown in the company's time zone.

import { language, texts } from "./screen_parts.js";

const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const timeZone = document.body.dataset.timezone;
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const brief = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
const minutes = new Intl.DateTimeFormat(language, { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const days = new Intl.DateTimeFormat(language, { timeZone, month: "short", day: "numeric", weekday: "short" });

let ahead = 0; // of this machine's clock, in milliseconds

/** What the service's clock says when `at` was just true there. A lag makes it seem behind, never ahead. */
export function hearTime(at, isFirst) {
  const found = Date.parse(at) - Date.now();
  ahead = isFirst ? found : Math.max(ahead, found);
}

export function clock() {
  return Date.now() + ahead;
}

export function timeOfDay(at) {
  return minutes.format(at);
}

export function day(at) {
  return days.format(at);
}

/** Such as "3 minutes ago"; what is less than a minute away is now. */
export function ago(at, isBrief = false) {
  const seconds = (at - clock()) / 1_000;
  const found = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  return found ? (isBrief ? brief : relative).format(Math.trunc(seconds / found[1]), found[0]) : texts.now;
}
