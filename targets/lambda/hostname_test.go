package lambda

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	dnstypes "github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/twofoldhq/twofold/targets"
)

func TestCoversHost(t *testing.T) {
	for _, test := range []struct {
		name, host string
		want       bool
	}{
		{"api.example.com", "api.example.com", true},
		{"API.example.com", "api.example.com", true},
		{"*.example.com", "api.example.com", true},
		{"*.example.com", "example.com", false},
		{"*.example.com", "a.api.example.com", false},
		{"example.com", "api.example.com", false},
		{"*.com", "example.com", true},
		{"*", "example", false},
	} {
		if got := coversHost(test.name, test.host); got != test.want {
			t.Errorf("%q covers %q: %t", test.name, test.host, got)
		}
	}
}

// The rule of target groups' names. Source: CreateTargetGroup.
var groupName = regexp.MustCompile(`^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$`)

func FuzzBalancerName(f *testing.F) {
	for _, name := range []string{"shop-api-prod", "shop_api-prod", "a--b", "-", "_", strings.Repeat("a", 64), strings.Repeat("ab-", 20)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, text string) {
		function := fitted(text, text) // names of functions are like that
		name := balancerName(function)
		if len(name) > 32 || !groupName.MatchString(name) {
			t.Errorf("%q becomes %q", function, name)
		}
	})
}

func TestBalancerNamesOfTwoFunctionsDiffer(t *testing.T) {
	if a, b := balancerName("shop_api-prod"), balancerName("shop-api-prod"); a == b {
		t.Errorf("both are %q", a)
	}
	if name := balancerName("shop-api-prod"); name != "shop-api-prod" {
		t.Errorf("a name that fits is %q", name)
	}
}

func TestFreePriority(t *testing.T) {
	all := make([]int, priorityMost)
	for n := range all {
		all[n] = n + 1
	}
	for _, test := range []struct {
		taken []int
		want  int32
	}{
		{nil, 1}, {[]int{3, 1}, 4}, {[]int{50000}, 49999}, {[]int{50000, 49999, 7}, 49998}, {all[1:], 1},
	} {
		if got, err := freePriority(test.taken); err != nil || got != test.want {
			t.Errorf("got %d, want %d: %v", got, test.want, err)
		}
	}
	if _, err := freePriority(all); err == nil {
		t.Error("a listener without a free priority has one")
	}
}

func TestPointed(t *testing.T) {
	to := place{host: "shop-1.eu-west-1.elb.amazonaws.com", zone: "Z1", six: true}
	alias := func(kind dnstypes.RRType, host string) dnstypes.ResourceRecordSet {
		return dnstypes.ResourceRecordSet{Type: kind, AliasTarget: &dnstypes.AliasTarget{DNSName: aws.String(host)}}
	}
	a, aaaa := alias(dnstypes.RRTypeA, "dualstack.Shop-1.eu-west-1.elb.amazonaws.com."), alias(dnstypes.RRTypeAaaa, "shop-1.eu-west-1.elb.amazonaws.com.")
	for _, test := range []struct {
		name    string
		records []dnstypes.ResourceRecordSet
		want    bool
	}{
		{"both", []dnstypes.ResourceRecordSet{a, aaaa}, true},
		{"one", []dnstypes.ResourceRecordSet{a}, false},
		{"none", nil, false},
		{"elsewhere", []dnstypes.ResourceRecordSet{a, alias(dnstypes.RRTypeAaaa, "others.example.com.")}, false},
		{"an address", []dnstypes.ResourceRecordSet{a, aaaa, {Type: dnstypes.RRTypeA}}, false},
	} {
		if got := pointed(test.records, to); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}

func TestCheckDomain(t *testing.T) {
	for _, test := range []struct {
		name, public, domain, fix string
	}{
		{"url", "url", "api.example.com", `public = "api"`},
		{"default", "", "api.example.com", `public = "api"`},
		{"none", "none", "api.example.com", "remove domain"},
		{"alb without", "alb", "", "domain = "},
		{"alb, long", "alb", strings.Repeat("a", 60) + "." + strings.Repeat("b", 60) + ".example.com", "shorter"},
		{"api", "api", "api.example.com", ""},
		{"alb", "alb", "api.example.com", ""},
		{"no domain", "url", "", ""},
	} {
		found := settings{public: test.public}.checkDomain(targets.Workload{Deployment: targets.Deployment{Domain: test.domain}})
		switch {
		case test.fix == "" && len(found) > 0:
			t.Errorf("%s: %+v", test.name, found)
		case test.fix != "" && (len(found) != 1 || found[0].Severity != targets.Error || found[0].Path != "domain" || !strings.Contains(found[0].Fix, test.fix) || found[0].Source == ""):
			t.Errorf("%s: %+v", test.name, found)
		}
	}
	if found := (settings{public: "alb"}).checkDomain(targets.Workload{Deployment: targets.Deployment{TriggersOnly: true}}); len(found) > 0 {
		t.Errorf("a service of triggers: %+v", found)
	}
}

func TestABalancerNarrowsBodies(t *testing.T) {
	alb, url := limitsOf(settings{public: publicALB}), limitsOf(settings{})
	if alb.Request.Max != 1<<20 || alb.Answer.Max != 1<<20 || alb.Request.Source == "" || url.Request.Max != 6<<20 {
		t.Errorf("bodies of %d and %d, and with a URL %d", alb.Request.Max, alb.Answer.Max, url.Request.Max)
	}
}

func TestWhatIsLeftIsToldByItsARN(t *testing.T) {
	for arn, want := range map[string][]string{
		"lambda function:shop-api-prod":                             {"function", "shop-api-prod"},
		"logs log-group:/aws/lambda/shop-api-prod:*":                {"log-group", "*"},
		"apigateway /apis/abc/stages/$default":                      {"apis", "$default"},
		"apigateway /domainnames/api.example.com":                   {"domainnames", "api.example.com"},
		"elasticloadbalancing targetgroup/shop/0123456789abcdef":    {"targetgroup", "0123456789abcdef"},
		"elasticloadbalancing listener-rule/app/shop/1/2/3":         {"listener-rule", "3"},
		"acm certificate/12345678-1234-1234-1234-123456789012":      {"certificate", "12345678-1234-1234-1234-123456789012"},
		"lambda event-source-mapping:4a4e5d5f-0b4a-4f0a-8f7e-0a1b2": {"event-source-mapping", "4a4e5d5f-0b4a-4f0a-8f7e-0a1b2"},
	} {
		service, rest, _ := strings.Cut(arn, " ")
		l := leftover{service: service, rest: rest}
		if got := []string{l.kind(), l.id()}; !slices.Equal(got, want) {
			t.Errorf("%s is %q, want %q", arn, got, want)
		}
	}
	if got := (leftover{rest: "log-group:/aws/lambda/shop-api-prod:*"}).group(); got != "/aws/lambda/shop-api-prod" {
		t.Errorf("the log group is %q", got)
	}
}
