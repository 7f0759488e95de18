package graph

import (
	"errors"
	"testing"
)

func TestLibraryOfAnotherMinorVersionIsRefused(t *testing.T) {
	for version, ok := range map[string]bool{
		"2.18.0": true, "2.18.1": true, "2.18.1-rc0": true,
		"2.17.1": false, "2.180.0": false, "2.18": false, "1.15.5": false, "": false,
	} {
		err := checkVersion(version)
		var versionErr *VersionError
		if ok != (err == nil) || !ok && !errors.As(err, &versionErr) {
			t.Errorf("%q: error %v", version, err)
		}
	}
}
