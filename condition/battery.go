package condition

import (
	"os"
	"path/filepath"
	"strings"
)

// OnBattery reports whether this machine runs on its battery, by the kernel's
// Documentation/ABI/testing/sysfs-class-power. Where nothing tells, it does not.
//
// A battery of a mouse (scope Device) is none of the machine's. A supply that gives
// power outweighs a battery that discharges: some are let down a little to spare them.
// One that is off says nothing without a battery: a desktop has such USB ports.
func OnBattery(sys string) bool {
	root := filepath.Join(sys, "class/power_supply")
	supplies, _ := os.ReadDir(root)
	battery, discharging, unplugged := false, false, false
	for _, supply := range supplies {
		of := func(attribute string) string { return attributeOf(filepath.Join(root, supply.Name()), attribute) }
		if of("scope") == "Device" {
			continue
		}
		switch of("type") {
		case "Mains", "USB", "Wireless":
			if online := of("online"); online != "" && online != "0" {
				return false
			}
			unplugged = unplugged || of("type") == "Mains" && of("online") == "0"
		case "Battery":
			battery = battery || of("present") != "0"
			discharging = discharging || of("status") == "Discharging"
		}
	}
	return battery && (discharging || unplugged)
}

// attributeOf is empty where there is no such attribute.
func attributeOf(dir, name string) string {
	text, _ := os.ReadFile(filepath.Join(dir, name))
	return strings.TrimSpace(string(text))
}
