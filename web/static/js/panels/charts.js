/** The chart of fourteen days: new, closed and overdue; a click on a day asks for that day. */

import { make, put } from "../dom.js";
import { empty } from "./empty.js";
import { colour } from "../palette.js";
import { change } from "../state.js";
import { count, date, day, isoDay, now, word } from "../words.js";

const charts = new Map();
let engine = null;

/** Fourteen days up to the period's end: new and closed as lines, overdue as bars. */
export function trend(body, { trend: days }) {
  const last = days.at(-1)?.day;
  const running = last === isoDay(now());
  body.parentElement.querySelector("h2").textContent = running || !last ? word("trend.title") : word("trend.until", { date: date(last) });
  if (!days.some(({ reported, closed, overdue }) => reported || closed || overdue)) return empty(body);
  const keys = make(
    "div",
    { className: "keys" },
    make("span", {}, make("i"), word("trend.reported")),
    make("span", {}, make("i", { className: "dash" }), word("trend.closed")),
    make("span", {}, make("i", { className: "block" }), word("trend.overdue")),
  );
  const sum = (key) => days.reduce((total, each) => total + each[key], 0);
  const said = word("trend.said", { reported: count(sum("reported")), closed: count(sum("closed")), overdue: count(sum("overdue")) });
  return chart(
    body,
    "trend",
    said,
    () => ({
      grid: { left: 4, right: 8, top: 10, bottom: 2, containLabel: true },
      xAxis: {
        type: "category",
        data: days.map((each) => day(each.day)),
        ...axis(),
        axisLabel: { ...label(), interval: 2 },
      },
      yAxis: { type: "value", splitNumber: 3, minInterval: 1, ...axis(), axisLabel: { ...label(), formatter: (value) => count(value) } },
      tooltip: tooltip((name) => (running && name === day(last) ? `${name} · ${word("trend.so_far")}` : name)),
      series: [
        {
          name: word("trend.overdue"),
          type: "bar",
          data: days.map((each) => each.overdue),
          barWidth: "38%",
          itemStyle: { color: colour("late"), borderRadius: [2, 2, 0, 0] },
        },
        ...line(word("trend.reported"), days, "reported", colour("new"), "solid", running),
        ...line(word("trend.closed"), days, "closed", colour("closed"), "dashed", running),
      ],
    }),
    keys,
    (rank) => change({ from: days[rank].day, to: days[rank].day }, { step: true }),
  );
}

/** Draw all charts again, for another theme or size. */
export function redraw() {
  for (const { element, chart: each, option } of charts.values()) {
    if (!element.isConnected) continue;
    each.resize();
    each.setOption(option(), true);
  }
}

async function chart(body, name, said, option, keys, choose) {
  engine ??= import("../../vendor/echarts.js");
  const echarts = await engine;
  let held = charts.get(name);
  if (!held || !body.contains(held.element)) {
    const element = make("div", { className: "chart", role: "img" });
    put(body, keys, element);
    held = { element, chart: echarts.init(element, null, { renderer: "svg" }) };
    charts.set(name, held);
    new ResizeObserver(() => held.chart.resize()).observe(element);
    const drawn = held;
    drawn.chart.getZr().on("click", ({ offsetX, offsetY }) => {
      const [rank] = drawn.chart.convertFromPixel({ seriesIndex: 0 }, [offsetX, offsetY]) ?? [];
      if (Number.isInteger(rank)) drawn.choose?.(rank);
    });
  }
  held.choose = choose;
  held.option = () => ({ animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily }, ...option() });
  held.element.setAttribute("aria-label", said);
  held.chart.setOption(held.option(), true);
}

const size = () => Math.max(10.5, parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.72);
const label = () => ({ color: colour("muted"), fontSize: size(), hideOverlap: true });
const axis = () => ({
  axisLine: { show: false },
  axisTick: { show: false },
  splitLine: { lineStyle: { color: colour("line"), width: 1 } },
});
/** A line of the whole days, and today so far as a point of its own: a day that is not over must not look like a fall. */
function line(name, days, key, tint, type, running) {
  const last = running ? days.length - 1 : days.length;
  const style = { name, type: "line", itemStyle: { color: tint } };
  const whole = days.map((each, rank) => (rank === last ? null : each[key]));
  const soFar = days.map((each, rank) => (rank === last ? each[key] : null));
  return [
    { ...style, data: whole, showSymbol: false, smooth: 0.2, smoothMonotone: "x", lineStyle: { color: tint, width: 2, type } },
    { ...style, data: soFar, showSymbol: true, symbol: "circle", symbolSize: 6 },
  ];
}

function tooltip(title = (name) => name) {
  return {
    trigger: "axis",
    confine: true,
    backgroundColor: colour("panel"),
    borderColor: colour("line-strong"),
    padding: [6, 10],
    axisPointer: { lineStyle: { color: colour("muted") }, shadowStyle: { color: colour("muted"), opacity: 0.12 } },
    formatter: (items) =>
      make(
        "div",
        { className: "chart-tip" },
        make("b", {}, title(items[0].axisValue)),
        items.filter(({ value }) => value != null).map(({ seriesName, value }) => make("div", {}, `${seriesName} ${count(value)}`)),
      ),
    textStyle: { color: colour("text"), fontSize: size() },
  };
}
