// Package browser tests the dashboard in a real Chromium, driven by playwright-core, with axe-core
// looking at what it shows. Its tests have the tag lab.
package browser
