"""The graduates of the demo programme: six teams of eight, named in the order of their ids."""

from dataclasses import dataclass

FIRST_ID = 20210001


@dataclass(frozen=True, slots=True)
class Team:
    key: str
    name: str
    members: tuple[str, ...]


_TEAMS = (
    ("qihang", "启航组", "陈思远 林晓雯 王梓涵 赵一鸣 欧阳雪 黄嘉豪 刘雨桐 吴昊天"),
    ("yunfan", "云帆组", "张沐阳 徐静姝 杨子墨 马文博 朱可欣 胡俊杰 郭欣怡 司马睿"),
    ("xinghuo", "星火组", "高梦洁 罗景行 梁诗涵 宋知行 郑雅琪 谢宇航 韩若冰 唐宏毅"),
    ("changfeng", "长风组", "冯天佑 董婉清 萧逸凡 程雨欣 曹思齐 袁明哲 邓佳宁 许星辰"),
    ("chenxi", "晨曦组", "傅语嫣 沈博文 曾慧敏 彭泽宇 吕诗雅 苏启明 卢婧怡 蒋云飞"),
    ("yuanshan", "远山组", "蔡欣妍 贾承志 丁雨薇 魏子轩 薛梦瑶 叶知秋 阎浩然 诸葛瑾瑜"),
)
_TEAM_SIZE = 8

TEAMS = tuple(
    Team(key, name, tuple(str(FIRST_ID + team * _TEAM_SIZE + seat) for seat in range(_TEAM_SIZE)))
    for team, (key, name, _) in enumerate(_TEAMS)
)
LEARNERS: dict[str, str] = {
    learner: name
    for team, (_, _, names) in zip(TEAMS, _TEAMS, strict=True)
    for learner, name in zip(team.members, names.split(), strict=True)
}

# Each department sent graduates into every team.
_DEPARTMENTS = ("热线服务一部", "热线服务二部", "在线服务部", "投诉处理部", "质量管理部")
DEPARTMENTS: dict[str, str] = {
    learner: _DEPARTMENTS[place % len(_DEPARTMENTS)] for place, learner in enumerate(LEARNERS)
}
