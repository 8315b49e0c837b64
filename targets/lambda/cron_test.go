package lambda

import "testing"

func TestScheduleExpressionIsTheSameTimes(t *testing.T) {
	for cron, want := range map[string]string{
		"0 3 * * *":            "cron(0 3 * * ? *)",
		"*/15 * * * *":         "cron(0/15 * * * ? *)",
		"5-50/15 8-18 1 * *":   "cron(5,20,35,50 8-18 1 * ? *)",
		"0 9 * * 1-5":          "cron(0 9 ? * MON,TUE,WED,THU,FRI *)",
		"0 9 * * 0":            "cron(0 9 ? * SUN *)",
		"0 9 * * sun,SAT":      "cron(0 9 ? * SUN,SAT *)",
		"0 9 * * */2":          "cron(0 9 ? * SUN,TUE,THU,SAT *)",
		"0 9 * * 1/3":          "cron(0 9 ? * MON,THU *)",
		"0 0 1 jan,Jul *":      "cron(0 0 1 JAN,JUL ? *)",
		"30 6 */10 */3 *":      "cron(30 6 1/10 1/3 ? *)",
		"@daily":               "cron(0 0 * * ? *)",
		"@weekly":              "cron(0 0 ? * SUN *)",
		"@yearly":              "cron(0 0 1 1 ? *)",
		"0 12 ? * mon":         "cron(0 12 ? * MON *)",
		"0 12 15 * ?":          "cron(0 12 15 * ? *)",
		"0,30 1,2 * 6-8/2 */6": "cron(0,30 1,2 ? 6,8 SUN,SAT *)",
	} {
		if got, err := scheduleExpression(cron); err != nil || got != want {
			t.Errorf("%q is %q (%v), want %q", cron, got, err, want)
		}
	}
	for _, cron := range []string{"0 3 1 * 1", "0 3 * *", "0 3 * * 7", "0 3 * * 1-x", "0 3 * * */0", "@never"} {
		if got, err := scheduleExpression(cron); err == nil {
			t.Errorf("%q is %q, want an error", cron, got)
		}
	}
}
