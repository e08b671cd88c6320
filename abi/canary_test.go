package abi

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// plant is set in the environment of the fuzzing in which the fault is there.
const plant = "PAGESRUN_PLANTED_FAULT"

// FuzzPlantedFault does what the other targets of this package do, and fails, where it is asked to, on a message that takes some looking: a put with another key and a
// value that is no ASCII. It shows that fuzzing finds such things.
func FuzzPlantedFault(f *testing.F) {
	f.Add((&KVPutRequest{Key: "a", Value: []byte("v")}).AppendCBOR(nil))
	planted := os.Getenv(plant) != ""
	f.Fuzz(func(t *testing.T, data []byte) {
		var q KVPutRequest
		if q.DecodeCBOR(data) != nil {
			return
		}
		if planted && len(q.Key) == 1 && q.Key[0] != 'a' {
			if len(q.Value) == 1 && q.Value[0] > 127 {
				t.Error("this is the fault")
			}
		}
	})
}

// TestFuzzingFindsAPlantedFault lets the fuzzer look for a fault that is known to be there.
func TestFuzzingFindsAPlantedFault(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "abi.test")
	if out, err := exec.Command("go", "test", "-c", "-fuzz", "^FuzzPlantedFault$", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// The corpus goes below the temporary directory, since what is found there is no finding.
	cmd := exec.Command(binary, "-test.run", "^$", "-test.fuzz", "^FuzzPlantedFault$", "-test.fuzztime", "100s", "-test.fuzzcachedir", filepath.Join(dir, "cache"), "-test.parallel", "1")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), plant+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "this is the fault") {
		t.Errorf("fuzzing has not found the fault: %v\n%s", err, out)
	}
	t.Logf("%s", out)
}
