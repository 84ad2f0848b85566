package process

import "testing"

// The program goes on working without the parts that it gave back.
func TestGiveBack(t *testing.T) {
	for range 3 {
		if err := GiveBack(); err != nil {
			t.Fatal(err)
		}
	}
	if len(BootID()) != 36 {
		t.Error("the program does not work any more")
	}
}
