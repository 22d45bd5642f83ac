"""What HR owns: programmes, courses, learners, teams, enrolments, awarders. Each is put by HR's own key."""
