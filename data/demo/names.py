"""Invented names in Chinese and English, made of syllables so that no list of real places or people is needed."""

from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

FIRST = {
    "云": "Yun", "清": "Qing", "锦": "Jin", "桐": "Tong", "澜": "Lan", "瑞": "Rui", "望": "Wang", "嘉": "Jia", "兰": "Lan", "映": "Ying",
    "碧": "Bi", "枫": "Feng", "沁": "Qin", "星": "Xing", "栖": "Qi", "鹤": "He", "松": "Song", "银": "Yin", "芳": "Fang", "泽": "Ze",
    "宁": "Ning", "畅": "Chang", "霞": "Xia", "梧": "Wu", "荷": "He", "景": "Jing", "朝": "Zhao", "裕": "Yu", "柳": "Liu", "翠": "Cui",
    "涵": "Han", "晴": "Qing", "和": "He", "槐": "Huai", "晨": "Chen", "秀": "Xiu", "润": "Run", "青": "Qing", "悦": "Yue", "棠": "Tang",
}  # fmt: skip
SECOND = {
    "麓": "lu", "溪": "xi", "屏": "ping", "岭": "ling", "洲": "zhou", "湾": "wan", "塘": "tang", "桥": "qiao", "井": "jing", "庭": "ting",
    "苑": "yuan", "川": "chuan", "台": "tai", "园": "yuan", "陂": "bei", "港": "gang", "浦": "pu", "坪": "ping", "林": "lin", "泉": "quan",
    "谷": "gu", "亭": "ting", "舟": "zhou", "岸": "an", "渡": "du", "坊": "fang", "汀": "ting", "源": "yuan", "圃": "pu", "石": "shi",
}  # fmt: skip
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰建国志红梅云飞宇晨欣怡子轩浩然雨桐思源文博嘉宁安若一凡书瑶"
ROAD_WORDS = {4: ("大道", "Avenue"), 3: ("路", "Road"), 2: ("街", "Street"), 1: ("巷", "Lane")}
ESTATE_WORDS = {
    "tower": (("府", "Mansion"), ("城", "City"), ("花园", "Garden"), ("公馆", "Residence")),
    "slab": (("小区", "Estate"), ("新村", "New Village"), ("家属院", "Court")),
    "village": (("村", "Village"), ("老屋场", "Hamlet")),
    "villa": (("山庄", "Hills"), ("别苑", "Villas")),
    "old": (("里", "Li"), ("巷", "Alley")),
    "office": (("中心", "Centre"), ("广场", "Plaza")),
    "commercial": (("商街", "Shops"), ("广场", "Plaza")),
    "school": (("小学", "Primary School"), ("中学", "Middle School")),
    "hospital": (("医院", "Hospital"),),
    "market": (("市场", "Market"), ("农贸市场", "Farmers' Market")),
    "industrial": (("工业园", "Works"), ("产业园", "Industrial Park")),
    "campus": (("学院", "College"),),
    "park": (("公园", "Park"),),
    "island": (("洲公园", "Isle Park"),),
}  # fmt: skip
DISTRICTS = (
    ("云麓区", "Yunlu District"), ("澜川区", "Lanchuan District"), ("栖霞台区", "Qixiatai District"), ("望洲区", "Wangzhou District"),
    ("锦溪区", "Jinxi District"), ("桐湾区", "Tongwan District"), ("鹤汀区", "Heting District"), ("银浦区", "Yinpu District"),
    ("清源台区", "Qingyuantai District"),
)  # fmt: skip
RIVER = ("澜江", "Lan River")
CREEK = ("柳溪", "Liu Creek")
LAKE = ("映月湖", "Yingyue Lake")
HILLS = ("云麓山", "Yunlu Hills")


@dataclass(frozen=True)
class Name:
    """One thing's name in both languages."""

    zh: str
    en: str


def words(count: int, rng: np.random.Generator) -> list[Name]:
    """Names of two syllables as long as they last, then of three; no two are written or sound alike, so both languages tell them apart."""
    pairs = [Name(a + b, _joined(x, y)) for a, x in FIRST.items() for b, y in SECOND.items()]
    drawn = [pairs[at] for at in rng.permutation(len(pairs))]
    longer = (Name(pair.zh + c, _joined(pair.en, z)) for c, z in SECOND.items() for pair in drawn)
    apart: dict[str, Name] = {}
    for name in chain(drawn, longer):
        if len(apart) == count:
            break
        apart.setdefault(name.en, name)
    return list(apart.values())


def _joined(before: str, syllable: str) -> str:
    """Syllables as one word: an apostrophe stands before one that begins with a vowel (Yin'an)."""
    return f"{before}'{syllable}" if syllable[0] in "aeo" else before + syllable


def people(count: int, rng: np.random.Generator) -> NDArray[np.str_]:
    """Names of people, two or three characters, as an array of three-character strings."""
    letters = np.array(list(GIVEN))
    family = np.array(list(SURNAMES))[(len(SURNAMES) * rng.random(count) ** 1.7).astype(np.int64)]
    first = letters[rng.integers(0, len(letters), count)]
    second = np.where(rng.random(count) < 0.82, letters[rng.integers(0, len(letters), count)], "")
    return np.char.add(np.char.add(family, first), second)


def phones(count: int, rng: np.random.Generator) -> NDArray[np.bytes_]:
    """Eleven digits that begin with 100, which no mobile network uses."""
    return digits(rng.integers(0, 10**8, count) + 100 * 10**8, 11)


def digits(numbers: Integers, width: int) -> NDArray[np.bytes_]:
    """Whole numbers as text of one width with leading zeros, without a loop over rows."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    letters = ((numbers[:, None] // powers) % 10 + ord("0")).astype(np.uint8)
    return np.ascontiguousarray(letters).view(f"S{width}").ravel()


def identity_numbers(counties: Integers, born: Integers, female: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bytes_]:
    """Eighteen characters in the national form with a right check character, of counties (99xxxx) that do not exist.

    `born` is a date as the number yyyymmdd.
    """
    serial = 2 * rng.integers(0, 500, len(born)) + ~female
    letters = np.empty((len(born), 18), dtype=np.uint8)
    letters[:, :17] = digits(counties * 10**11 + born * 1000 + serial, 17).view(np.uint8).reshape(-1, 17)
    weights = 2 ** np.arange(17, 0, -1) % 11
    check = (12 - (letters[:, :17].astype(np.int64) - ord("0")) @ weights % 11) % 11
    letters[:, 17] = np.where(check == 10, ord("X"), check + ord("0"))
    return letters.view("S18").ravel()
