"""The demo programme's rulebook, as the document that HR would put."""

from typing import Any

RULEBOOK: dict[str, Any] = {
    "earning": [
        {
            "key": "attendance",
            "name": {"zh": "出勤", "en": "Attendance"},
            "on": "attendance.present",
            "award": {"unit": "credits", "amount": 1},
            "cap": {"per": "learner", "within": "programme", "amount": 60},
        },
        {
            "key": "test",
            "name": {"zh": "测验成绩", "en": "Test"},
            "on": "lms.test.scored",
            "when": "data.attempt == 1",
            "award": {
                "unit": "credits",
                "by": "data.score",
                "bands": [
                    {"at_least": 60, "amount": 2},
                    {"at_least": 75, "amount": 4},
                    {"at_least": 85, "amount": 6},
                    {"at_least": 95, "amount": 8},
                ],
            },
        },
        {
            "key": "retake",
            "name": {"zh": "补考通过", "en": "Retake passed"},
            "on": "lms.test.scored",
            "when": "data.attempt > 1 && data.score >= 60",
            "award": {"unit": "credits", "amount": 1},
        },
        {
            "key": "excellent-test",
            "name": {"zh": "测验优秀", "en": "Excellent test"},
            "on": "lms.test.scored",
            "when": "data.attempt == 1 && data.score >= 95",
            "award": {"unit": "flowers", "amount": 1},
        },
        {
            "key": "debate",
            "name": {"zh": "辩论：又快又好", "en": "Debate: quick and good"},
            "on": "debate.topic.prepared",
            "when": "data.quality >= 4",
            "award": {"unit": "flowers", "amount": "data.position == 1 ? 5 : data.position == 2 ? 3 : 2"},
            "first": 3,
        },
        {
            "key": "debate-part",
            "name": {"zh": "参与辩论", "en": "Debate"},
            "on": "debate.topic.prepared",
            "award": {"unit": "credits", "amount": "double(data.quality) * 0.5", "round": "half_up"},
        },
        {
            "key": "volunteer",
            "name": {"zh": "志愿服务", "en": "Volunteer work"},
            "on": "volunteer.served",
            "award": {"unit": "credits", "amount": "double(data.hours) * 2.0", "round": "down"},
            "cap": {"per": "learner", "within": "programme", "amount": 20},
        },
        {
            "key": "service-quality",
            "name": {"zh": "服务质检", "en": "Service quality"},
            "on": "service.quality.checked",
            "award": {
                "unit": "credits",
                "by": "data.score",
                "bands": [{"at_least": 80, "amount": 2}, {"at_least": 90, "amount": 4}],
            },
        },
        {
            "key": "milestone",
            "name": {"zh": "里程碑", "en": "Milestone"},
            "on": "milestone.reached",
            "award": {
                "unit": "credits",
                "amount": "data.phase == 'integration' ? 5 : data.phase == 'delivery' ? 8 : 10",
            },
        },
    ],
    "conversion": {"flowers_per_credit": 5, "round": "down", "cap_credits": 20, "remainder": "expire"},
    "certificates": [
        {
            "key": "points",
            "kind": "points",
            "name": {"zh": "积分证", "en": "Points certificate"},
            "criteria": {"fact": "credits", "in": "programme", "at_least": 150},
        },
        {
            "key": "service-1",
            "kind": "qualification",
            "level": "初级",
            "name": {"zh": "初级客服任职资格证", "en": "Qualification certificate, service, junior"},
            "criteria": {
                "all": [
                    {"fact": "certificate", "key": "points"},
                    {"fact": "flowers", "in": "course:service", "at_least": 3},
                    {"fact": "events", "type": "attendance.present", "at_least": 50},
                    {
                        "any": [
                            {"fact": "passed", "in": "course:service"},
                            {"fact": "team_rank", "in": "programme", "at_most": 3},
                        ]
                    },
                    {"not": {"fact": "events", "type": "discipline.breach", "at_least": 2}},
                ]
            },
            "valid_for": "P2Y",
            "equals": [{"system": "talent", "level": "P2"}],
        },
        {
            "key": "service-2",
            "kind": "qualification",
            "level": "中级",
            "name": {"zh": "中级客服任职资格证", "en": "Qualification certificate, service, intermediate"},
            "criteria": {
                "all": [
                    {"fact": "certificate", "key": "service-1"},
                    {"fact": "credits", "in": "programme", "at_least": 210},
                    {
                        "at_least": 2,
                        "of": [
                            {"fact": "award", "role": "committee", "at_least": 1},
                            {"fact": "events", "type": "volunteer.served", "at_least": 4},
                            {"fact": "events", "type": "milestone.reached", "at_least": 10},
                        ],
                    },
                ]
            },
            "valid_for": "P3Y",
            "equals": [{"system": "talent", "level": "P3"}],
        },
    ],
}
