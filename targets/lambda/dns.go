package lambda

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	dnstypes "github.com/aws/aws-sdk-go-v2/service/route53/types"
)

// validationTTL is for how many seconds others may keep a validation record.
const validationTTL = 300

// place is what a host name is to lead to, in AWS' own names.
type place struct {
	host string
	// zone is the id of the hosted zone of host, which an alias record names.
	zone string
	// six: it is reached over IPv6 as well.
	six bool
}

// kinds are the alias records that a place needs.
func (p place) kinds() []dnstypes.RRType {
	if p.six {
		return []dnstypes.RRType{dnstypes.RRTypeA, dnstypes.RRTypeAaaa}
	}
	return []dnstypes.RRType{dnstypes.RRTypeA}
}

func sameHost(a, b string) bool {
	clean := func(name string) string {
		return strings.TrimPrefix(strings.TrimSuffix(strings.ToLower(name), "."), "dualstack.")
	}
	return clean(a) == clean(b)
}

// leads reports whether a record is an alias of one of the places.
func leads(r dnstypes.ResourceRecordSet, to ...place) bool {
	for _, p := range to {
		if r.AliasTarget != nil && p.host != "" && sameHost(aws.ToString(r.AliasTarget.DNSName), p.host) {
			return true
		}
	}
	return false
}

// recordsOf are the records of a name in a hosted zone that decide where the name leads.
func (s *session) recordsOf(ctx context.Context, zone, name string) ([]dnstypes.ResourceRecordSet, error) {
	var found []dnstypes.ResourceRecordSet
	for in := (&route53.ListResourceRecordSetsInput{HostedZoneId: &zone, StartRecordName: &name}); ; {
		page, err := s.dns.ListResourceRecordSets(ctx, in)
		if err != nil {
			return nil, problem("read the records of "+name+" in hosted zone", zone, err)
		}
		for _, r := range page.ResourceRecordSets {
			if !sameHost(aws.ToString(r.Name), name) {
				return found, nil // they are in the order of their names
			}
			switch r.Type {
			case dnstypes.RRTypeA, dnstypes.RRTypeAaaa, dnstypes.RRTypeCname:
				found = append(found, r)
			}
		}
		if !page.IsTruncated {
			return found, nil
		}
		in.StartRecordName, in.StartRecordType, in.StartRecordIdentifier = page.NextRecordName, page.NextRecordType, page.NextRecordIdentifier
	}
}

// pointed reports whether records lead to a place, and nowhere else.
func pointed(records []dnstypes.ResourceRecordSet, to place) bool {
	has := map[dnstypes.RRType]bool{}
	for _, r := range records {
		if !leads(r, to) {
			return false
		}
		has[r.Type] = true
	}
	for _, kind := range to.kinds() {
		if !has[kind] {
			return false
		}
	}
	return true
}

// point makes the records of a name in a zone lead to a place, and has the zone remembered
// where it was not: before the records are written, so that they are found again. What is
// there already is replaced only where it leads to one of own, or where twofold wrote it.
func (s *session) point(ctx context.Context, name string, to place, was, zone string, remember func() error, own ...place) (bool, error) {
	changes, err := s.pointing(ctx, zone, name, to, was == zone, own...)
	if err != nil {
		return false, err
	}
	if was == "" {
		if err := remember(); err != nil {
			return false, err
		}
	}
	if len(changes) > 0 {
		if err := s.changeRecords(ctx, zone, name, changes); err != nil {
			return true, err
		}
	}
	if was == "" || was == zone {
		return was != zone || len(changes) > 0, nil
	}
	if _, err := s.unpoint(ctx, was, name, to); err != nil {
		return true, err
	}
	return true, remember()
}

// pointing are the changes that make the records of a name lead to a place.
func (s *session) pointing(ctx context.Context, zone, name string, to place, mended bool, own ...place) ([]dnstypes.Change, error) {
	records, err := s.recordsOf(ctx, zone, name)
	if err != nil || pointed(records, to) {
		return nil, err
	}
	var changes []dnstypes.Change
	wanted := map[dnstypes.RRType]bool{}
	for _, kind := range to.kinds() {
		wanted[kind] = true
	}
	for _, r := range records {
		if !mended && !leads(r, append(own, to)...) {
			return nil, fmt.Errorf("%s has a record of type %s already in hosted zone %q, which twofold has not made: delete it, or remove hosted_zone from the target block and let %s lead to %s yourself", name, r.Type, zone, name, to.host)
		}
		if !wanted[r.Type] || r.SetIdentifier != nil {
			changes = append(changes, dnstypes.Change{Action: dnstypes.ChangeActionDelete, ResourceRecordSet: &r})
		}
	}
	for _, kind := range to.kinds() {
		changes = append(changes, dnstypes.Change{Action: dnstypes.ChangeActionUpsert, ResourceRecordSet: &dnstypes.ResourceRecordSet{
			Name: &name, Type: kind, AliasTarget: &dnstypes.AliasTarget{DNSName: &to.host, HostedZoneId: &to.zone},
		}})
	}
	return changes, nil
}

// unpoint deletes the records of a name that lead to one of the places.
func (s *session) unpoint(ctx context.Context, zone, name string, from ...place) (bool, error) {
	records, err := s.recordsOf(ctx, zone, name)
	if code(err) == "NoSuchHostedZone" {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var changes []dnstypes.Change
	for _, r := range records {
		if leads(r, from...) {
			changes = append(changes, dnstypes.Change{Action: dnstypes.ChangeActionDelete, ResourceRecordSet: &r})
		}
	}
	if len(changes) == 0 {
		return false, nil
	}
	return true, s.deleteRecords(ctx, zone, name, changes)
}

// deleteRecords deletes records that were read. A call whose answer was lost is repeated,
// and Route 53 refuses to delete what is gone: then they are looked for again.
func (s *session) deleteRecords(ctx context.Context, zone, name string, changes []dnstypes.Change) error {
	err := s.changeRecords(ctx, zone, name, changes)
	if err == nil {
		return nil
	}
	records, lost := s.recordsOf(ctx, zone, name)
	if lost != nil {
		return err
	}
	for _, c := range changes {
		for _, r := range records {
			if r.Type == c.ResourceRecordSet.Type && aws.ToString(r.SetIdentifier) == aws.ToString(c.ResourceRecordSet.SetIdentifier) {
				return err
			}
		}
	}
	return nil
}

// putCNAME makes a name an alias of another, and deleteCNAME takes that back.
func (s *session) putCNAME(ctx context.Context, zone, name, value string) (bool, error) {
	records, err := s.recordsOf(ctx, zone, name)
	if err != nil {
		return false, err
	}
	for _, r := range records {
		if r.Type == dnstypes.RRTypeCname && len(r.ResourceRecords) == 1 && sameHost(aws.ToString(r.ResourceRecords[0].Value), value) {
			return false, nil
		}
	}
	return true, s.changeRecords(ctx, zone, name, []dnstypes.Change{{Action: dnstypes.ChangeActionUpsert, ResourceRecordSet: &dnstypes.ResourceRecordSet{
		Name: &name, Type: dnstypes.RRTypeCname, TTL: aws.Int64(validationTTL), ResourceRecords: []dnstypes.ResourceRecord{{Value: &value}},
	}}})
}

func (s *session) deleteCNAME(ctx context.Context, zone, name, value string) error {
	records, err := s.recordsOf(ctx, zone, name)
	if code(err) == "NoSuchHostedZone" {
		return nil
	}
	if err != nil {
		return err
	}
	for _, r := range records {
		if r.Type == dnstypes.RRTypeCname && len(r.ResourceRecords) == 1 && sameHost(aws.ToString(r.ResourceRecords[0].Value), value) {
			return s.deleteRecords(ctx, zone, name, []dnstypes.Change{{Action: dnstypes.ChangeActionDelete, ResourceRecordSet: &r}})
		}
	}
	return nil
}

func (s *session) changeRecords(ctx context.Context, zone, name string, changes []dnstypes.Change) error {
	_, err := s.dns.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: &zone, ChangeBatch: &dnstypes.ChangeBatch{Changes: changes, Comment: aws.String("twofold")},
	})
	if err != nil {
		return problem("change the records of "+name+" in hosted zone", zone, err)
	}
	return nil
}
