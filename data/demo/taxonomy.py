"""What happens in a district: categories with deadlines, words, rhythms and how fast each is worked off."""

# ruff: noqa: E501  the tables read best with a row on a line

from dataclasses import dataclass

import pandas as pd

CATALOGUES = (
    ("governance", "2024", "治理事件分类", "Governance events"),
    ("urban-events", "2024", "城市管理事件分类", "Urban management events"),
    ("components", "2024", "城市管理部件分类", "Urban components"),
)


@dataclass(frozen=True)
class Kind:
    """A category. `share` of all incidents; `day` names a rhythm; `hours` the least median time to handle.

    `weekend` and `summer` multiply; `homes` is the share that goes by households, the rest by shops and roads;
    `indoors` the share that names a building.
    """

    catalogue: str
    code: str
    parent: str
    zh: str
    en: str
    symbol: str = "circle"
    share: float = 0.0
    limit: float = 3.0
    unit: str = "working_day"
    handler: str = "社区居委会"
    department: str = "街道办事处"
    day: str = "office"
    weekend: float = 0.8
    summer: float = 1.0
    hours: float = 20.0
    homes: float = 0.7
    indoors: float = 0.5
    urgent: float = 0.02
    titles: tuple[str, ...] = ()


KINDS = (
    Kind("governance", "01", "", "社会治安", "Public security", "shield", 0.075, 2, "urgent_hour", "派出所", "公安分局", "night", 1.1, 1.1, 1.1,
         0.55, 0.5, 0.14, ("电动车被盗", "可疑人员徘徊", "商铺门锁被撬", "有人打架", "入室盗窃")),
    Kind("governance", "02", "", "矛盾纠纷", "Disputes", "scales", 0.095, 5, "working_day", "人民调解委员会", "司法局", "evening", 1.15, 1.0, 40.0,
         0.9, 0.75, 0.03, ("邻里漏水纠纷", "停车位争执", "家庭矛盾需调解", "劳资纠纷", "租赁押金纠纷")),
    Kind("governance", "03", "", "流动人口与出租屋", "Migrants and rentals", "key", 0.065, 3, "working_day", "社区警务室", "公安分局", "office", 0.6, 0.9, 30.0,
         0.95, 0.85, 0.0, ("出租屋未登记", "租客信息变更", "群租房隔断", "新增流动人口")),
    Kind("governance", "04", "", "违章搭建", "Illegal building", "blocks", 0.035, 5, "working_day", "城管执法中队", "城市管理局", "office", 0.8, 1.0, 60.0,
         0.75, 0.8, 0.0, ("楼顶违建施工", "占用绿地搭棚", "院内加建", "私搭雨棚")),
    Kind("governance", "05", "", "公共设施损坏", "Damaged facilities", "wrench", 0.105, 1, "working_day", "市政养护所", "城市管理局", "office", 0.7, 1.05, 6.0,
         0.4, 0.1, 0.05, ("路灯不亮", "井盖松动", "人行道破损", "护栏倒伏", "健身器材损坏")),
    Kind("governance", "06", "", "电力消防设施", "Power and fire safety", "flame", 0.07, 4, "working_hour", "消防工作站", "消防救援大队", "office", 0.85, 1.35, 2.0,
         0.7, 0.65, 0.12, ("消防通道堵塞", "飞线充电", "灭火器过期", "楼道停放电动车", "配电箱敞开")),
    Kind("governance", "07", "", "物业服务", "Property services", "house", 0.12, 3, "working_day", "物业公司", "住房和城乡建设局", "evening", 1.05, 1.1, 24.0,
         1.0, 0.9, 0.01, ("电梯故障", "楼道灯不亮", "垃圾清运不及时", "门禁失灵", "水压不足")),
    Kind("governance", "08", "", "环境卫生", "Sanitation", "leaf", 0.165, 1, "working_day", "环卫所", "城市管理局", "morning", 0.9, 1.3, 5.0,
         0.45, 0.15, 0.01, ("垃圾堆积", "暴露垃圾", "公厕异味", "沿街油污", "绿地枯枝未清")),
    Kind("governance", "09", "", "噪声扰民", "Noise", "sound", 0.085, 4, "urgent_hour", "城管执法中队", "生态环境分局", "noise", 1.25, 1.4, 1.6,
         0.75, 0.6, 0.04, ("夜间施工噪声", "广场舞音量过大", "商铺外放音响", "装修噪声", "空调外机噪声")),
    Kind("governance", "10", "", "民生诉求", "Livelihood requests", "heart", 0.08, 5, "working_day", "社区居委会", "民政局", "office", 0.5, 0.95, 36.0,
         0.95, 0.6, 0.02, ("申请临时救助", "低保咨询办理", "独居老人需探望", "申请适老化改造", "就业帮扶")),
    Kind("governance", "11", "", "咨询求助", "Questions and help", "question", 0.06, 2, "working_day", "社区居委会", "街道办事处", "office", 0.6, 1.0, 8.0,
         0.9, 0.4, 0.02, ("医保办理咨询", "入学政策咨询", "走失老人求助", "证件办理咨询")),
    Kind("governance", "12", "", "其他", "Other", "circle", 0.02, 5, "calendar_day", "社区居委会", "街道办事处", "office", 0.9, 1.0, 20.0,
         0.7, 0.3, 0.0, ("其他事项", "建议反馈")),
    Kind("urban-events", "01", "", "市容环境", "City appearance"),
    Kind("urban-events", "0101", "01", "占道经营", "Street vending", "stall", 0.008, 4, "working_hour", "城管执法中队", "城市管理局", "market", 1.2, 1.15, 2.4,
         0.15, 0.02, 0.0, ("流动摊贩占道", "店外经营", "夜市占道")),
    Kind("urban-events", "0102", "01", "乱堆物料", "Piled-up material", "boxes", 0.003, 1, "working_day", "城管执法中队", "城市管理局", "office", 0.8, 1.0, 6.0,
         0.4, 0.05, 0.0, ("建材占道堆放", "废旧家具堆放")),
    Kind("urban-events", "02", "", "宣传广告", "Signs and advertising"),
    Kind("urban-events", "0201", "02", "非法小广告", "Illegal posters", "poster", 0.002, 2, "working_day", "环卫所", "城市管理局", "morning", 0.8, 1.0, 12.0,
         0.4, 0.05, 0.0, ("墙面小广告", "电杆小广告")),
    Kind("urban-events", "03", "", "施工管理", "Building sites"),
    Kind("urban-events", "0301", "03", "工地扬尘", "Dust from sites", "dust", 0.002, 4, "working_hour", "住建执法队", "住房和城乡建设局", "office", 0.8, 1.2, 3.0,
         0.2, 0.1, 0.02, ("渣土车遗撒", "工地未覆盖")),
    Kind("urban-events", "04", "", "突发事件", "Emergencies"),
    Kind("urban-events", "0401", "04", "道路积水", "Flooded road", "drop", 0.001, 2, "urgent_hour", "市政养护所", "水利局", "office", 1.0, 2.2, 1.2,
         0.2, 0.0, 0.5, ("路面积水", "下水道返水")),
    Kind("urban-events", "05", "", "街面秩序", "Street order"),
    Kind("urban-events", "0501", "05", "违章停车", "Illegal parking", "car", 0.006, 4, "working_hour", "交警中队", "公安分局", "commute", 0.9, 1.0, 1.5,
         0.35, 0.02, 0.0, ("占用盲道停车", "消防通道停车", "路口违停")),
    Kind("urban-events", "06", "", "其他", "Other events"),
    Kind("components", "01", "", "公用设施", "Utilities"),
    Kind("components", "0101", "01", "井盖", "Manhole covers", "manhole", 0.001, 2, "urgent_hour", "市政养护所", "城市管理局", "office", 0.9, 1.1, 1.0,
         0.3, 0.0, 0.6, ("井盖缺失", "井盖破损")),
    Kind("components", "0102", "01", "路灯", "Street lights", "lamp", 0.001, 1, "working_day", "路灯所", "城市管理局", "evening", 1.0, 1.0, 7.0,
         0.3, 0.0, 0.0, ("整段路灯不亮", "灯杆倾斜")),
    Kind("components", "0103", "01", "消防栓", "Hydrants"),
    Kind("components", "0104", "01", "监控摄像", "Cameras"),
    Kind("components", "0105", "01", "变压器", "Transformers"),
    Kind("components", "02", "", "道路交通", "Roads and traffic"),
    Kind("components", "0201", "02", "公交站亭", "Bus shelters"),
    Kind("components", "03", "", "市容环境", "City appearance"),
    Kind("components", "0301", "03", "公共厕所", "Public toilets"),
    Kind("components", "0302", "03", "垃圾桶", "Litter bins", "bin", 0.001, 1, "working_day", "环卫所", "城市管理局", "morning", 1.0, 1.2, 6.0,
         0.4, 0.0, 0.0, ("垃圾桶满溢", "垃圾桶破损")),
    Kind("components", "04", "", "园林绿化", "Parks and trees"),
    Kind("components", "05", "", "其他", "Other components"),
    Kind("components", "0501", "05", "服务站点", "Service posts"),
)  # fmt: skip

# Weight of each hour of the day, Beijing time.
RHYTHMS: dict[str, tuple[float, ...]] = {
    "office": (1, 1, 1, 1, 1, 2, 5, 14, 34, 44, 42, 32, 18, 22, 36, 40, 36, 26, 15, 11, 8, 5, 3, 2),
    "morning": (2, 1, 1, 1, 3, 10, 26, 44, 46, 40, 32, 22, 15, 16, 24, 26, 24, 20, 16, 12, 8, 5, 3, 2),
    "evening": (4, 2, 1, 1, 1, 2, 5, 12, 22, 26, 25, 20, 16, 16, 20, 22, 24, 32, 42, 46, 40, 26, 14, 7),
    "night": (26, 22, 18, 13, 9, 7, 8, 12, 16, 18, 18, 17, 16, 16, 17, 18, 20, 24, 28, 32, 36, 38, 36, 31),
    "noise": (16, 8, 4, 3, 2, 3, 8, 14, 14, 13, 12, 11, 15, 14, 11, 10, 12, 18, 30, 44, 52, 56, 46, 28),
    "commute": (3, 2, 1, 1, 1, 3, 12, 40, 46, 30, 22, 20, 18, 16, 18, 22, 34, 50, 46, 32, 24, 16, 9, 5),
    "market": (3, 2, 1, 2, 8, 26, 44, 46, 34, 24, 20, 18, 14, 10, 11, 14, 24, 38, 46, 48, 42, 28, 14, 6),
}


def categories() -> pd.DataFrame:
    """One row a category; `parent_code` is empty for a major one."""
    columns = ("catalogue", "code", "parent_code", "name", "name_en", "symbol")
    return pd.DataFrame([(k.catalogue, k.code, k.parent, k.zh, k.en, k.symbol) for k in KINDS], columns=list(columns))


def rules() -> pd.DataFrame:
    """One deadline for each category that has incidents; `category` is its row among the categories."""
    rows = [
        (at, 1, f"核实属实：{kind.titles[0]}等", "现场整改完毕并附照片", kind.limit, kind.unit, kind.handler, kind.department)
        for at, kind in enumerate(KINDS) if kind.share > 0
    ]  # fmt: skip
    columns = ["category", "serial", "file_when", "close_when", "limit_amount", "limit_unit", "handling_unit", "department"]
    return pd.DataFrame(rows, columns=columns)
