"""A starter mapping for a file nobody has described yet: what it seems to be, guessed from its columns, for a person to correct."""

import json
import re
from pathlib import Path

from api.imports.mapping import FIELDS, NEEDED, NEVER_LOADED, Noun
from data.files.layer import Layer

# The first word that a column is, or else contains, decides; the order within a field is the order of trust.
WORDS: dict[str, tuple[str, ...]] = {
    "source_id": ("编号", "工单号", "案件号", "编码", "标识码", "户号", "id", "objectid", "number", "no", "fid", "code"),
    "code": ("代码", "编码", "网格编号", "code"),
    "name": ("名称", "name", "title"),
    "address": ("地址", "位置", "address", "location", "street"),
    "category": ("类别", "分类", "类型", "案件类型", "category", "type", "kind"),
    "kind": ("类别", "类型", "种类", "kind", "type", "category"),
    "reported_at": ("上报时间", "受理时间", "报告时间", "发生时间", "时间", "日期", "reported", "created", "datetime", "date", "time"),
    "closed_at": ("结案时间", "办结时间", "完成时间", "closed", "resolved"),
    "title": ("标题", "主题", "描述", "title", "subject", "description"),
    "state": ("状态", "state", "status"), "status": ("状态", "status", "state"),
    "households": ("户数", "households"), "count": ("户数", "households", "count"),
    "levels": ("层数", "楼层", "levels", "floors"), "height_m": ("高度", "height"),
    "built_year": ("建成年份", "建造年份", "年份", "built", "year"), "use": ("用途", "使用性质", "use"),
    "building": ("楼栋编号", "楼栋", "楼号", "建筑", "building", "bldg"), "community": ("社区", "community"),
    "unit": ("房号", "室号", "门牌", "单元", "unit", "room"), "tenure": ("产权", "居住性质", "tenure"),
    "floating": ("流动", "floating"), "members": ("人口数", "人数", "members", "persons"), "parent": ("所属", "上级", "parent"),
}  # fmt: skip
X = ("经度", "lon", "lng", "longitude", "x", "x坐标", "point_x")
Y = ("纬度", "lat", "latitude", "y", "y坐标", "point_y")
LOOKUPS: dict[str, dict[str, str]] = {
    "state": {"结": "closed", "完": "closed", "closed": "closed", "处理": "handling", "办理": "handling", "派": "dispatched",
              "立案": "filed",
              "不予": "not_filed", "新": "reported", "open": "reported"},
    "status": {"好": "working", "正常": "working", "ok": "working", "坏": "faulty", "损": "faulty", "故障": "faulty", "拆": "removed"},
    "tenure": {"自": "own", "租": "rent", "公": "public", "空": "empty"},
    "kind": {"灯": "light", "消": "hydrant", "摄像": "camera", "井": "manhole", "垃圾": "bin", "变压": "transformer", "车站": "bus_stop",
             "公交": "bus_stop", "厕": "toilet", "警": "police_post", "诊": "clinic", "卫生": "clinic"},
}  # fmt: skip
"""Signs in a source's own values of fields that take only ours."""
MOST_VALUES = 30
SIGNS: tuple[tuple[Noun, tuple[str, ...]], ...] = (
    ("household", ("户主", "房号", "室号", "户号")),
    ("building", ("层数", "楼层", "建成", "levels", "floors", "height", "建筑")),
    ("incident", ("上报", "受理", "工单", "案件", "时间", "日期", "date", "time", "created")),
    ("facility", ("部件", "设施", "设备")),
)  # fmt: skip


def mapping_for(path: Path, layer: Layer) -> str:
    """TOML of one layer for a file, with guesses and, as comments, what has to be said by a person."""
    columns = [str(name) for name in layer.rows.columns]
    noun = _noun(columns, layer)
    x, y = _column(columns, X), _column(columns, Y)
    fields = _fields(noun, columns)
    lines = [f"# A first guess for {path.name}. Check every line, then:", f"#   ./wangge import {path.name} --mapping THIS.toml --dry-run",
             "[[layer]]", f'noun = "{noun}"          # {", ".join(name for name in FIELDS if name != "district")}',
             f'source = "{_source(path)}"', f"files = [{_text(path.name)}]"]  # fmt: skip
    if not layer.findings.encoding_sure:
        lines.append(f"encoding = {_text(layer.findings.encoding or 'gb18030')}   # a guess: its bytes do not prove it")
    if x and y and not layer.spatial:
        lines.append(f"shape = {{ x = {_text(x)}, y = {_text(y)} }}")
    if layer.findings.crs is None and (layer.spatial or (x and y)):
        lines += ['crs = "EPSG:4490"       # the file does not say its system; EPSG:4326 for GPS',
                  '# datum = "gcj02"       # if the places come from a web map (AMap, Tencent); "bd09" from Baidu']  # fmt: skip
    if noun == "incident":
        lines.append(f'catalogue = {{ code = "{_source(path)}", name = {_text(path.stem)}, create = true }}')
    if noun == "household":
        by = "source_id" if "building" in fields else "place"
        lines.append(f'building = {{ by = "{by}" }}   # source_id, code, address or place')
    lines.append("[layer.fields]")
    lines += [f"{name} = {_field(name, column, layer)}" for name, column in fields.items()]
    lines += [f'# {name} = "…"          # needed: which column is it?' for name in sorted(NEEDED[noun] - set(fields))]
    free = [each for each in columns if each not in (*fields.values(), x, y)]
    persons = [each for each in free if each.strip().lower() in NEVER_LOADED]
    rest = [each for each in free if each not in persons]
    lines += [f"# not used: {', '.join(rest)}"] * bool(rest) + [f"# left out unread, columns with persons: {', '.join(persons)}"] * bool(
        persons
    )
    open_fields = sorted(FIELDS[noun] - set(fields))
    lines += [f"# {noun} may also have: {', '.join(open_fields)}"] * bool(open_fields)
    return "\n".join(lines) + "\n"


def _field(name: str, column: str, layer: Layer) -> str:
    """A column's name; with a lookup of its values, as far as their signs are known, where only ours are taken."""
    if name not in LOOKUPS or column not in layer.rows:
        return _text(column)
    values = [each for each in dict.fromkeys(layer.rows[column].dropna().astype(str).str.strip()) if each][:MOST_VALUES]
    ours = {each: next((to for sign, to in LOOKUPS[name].items() if sign in each.casefold()), "?") for each in values}
    pairs = ", ".join(f"{_text(each)} = {_text(to)}" for each, to in ours.items())
    return f'{{ column = {_text(column)}, lookup = {{ {pairs} }}, unknown = "refuse" }}'


def _noun(columns: list[str], layer: Layer) -> Noun:
    text = " ".join(columns).casefold()
    kinds = {each.geom_type for each in layer.shapes if each is not None}
    if kinds & {"Polygon", "MultiPolygon"}:
        return "building" if any(sign in text for sign in SIGNS[1][1]) else "grid"
    return next((noun for noun, signs in SIGNS if any(sign in text for sign in signs)), "facility")


def _fields(noun: Noun, columns: list[str]) -> dict[str, str]:
    """Field → column, no column twice; fields that must be there choose first."""
    free = [each for each in columns if each.strip().lower() not in NEVER_LOADED]
    found: dict[str, str] = {}
    for name in (*sorted(NEEDED[noun], key=lambda each: each == "source_id"), *sorted(FIELDS[noun] - NEEDED[noun])):
        column = _column([each for each in free if each not in found.values()], WORDS.get(name, ()))
        if column is not None:
            found[name] = column
    if "source_id" in NEEDED[noun] and "source_id" not in found:
        found["source_id"] = "#row"
    return found


def _column(columns: list[str], words: tuple[str, ...]) -> str | None:
    plain = {each: each.strip().casefold() for each in columns}
    for word in words:
        same = [each for each in columns if plain[each] == word]
        inside = [each for each in columns if len(word) > 1 and not word.isascii() and word in plain[each]]
        inside += [each for each in columns if word.isascii() and word in re.split(r"[^a-z0-9]+", plain[each])]
        if same or inside:
            return (same or inside)[0]
    return None


def _source(path: Path) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", path.name.split(".")[0].casefold()).strip("-")
    return plain[:60] or "my-source"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
