package main

import (
	"testing"

	"paas"
)

func TestFaultPoint(t *testing.T) {
	env := func(value string) func(string) string {
		return func(key string) string {
			if key == "PAAS_FAULT" {
				return value
			}
			return ""
		}
	}
	if reached, err := faultPoint(env("")); reached != nil || err != nil {
		t.Errorf("without the variable: %v", err)
	}
	for _, nonsense := range []string{"kill", "kill@", "stop@switch"} {
		if _, err := faultPoint(env(nonsense)); paas.CodeOf(err) != paas.Invalid {
			t.Errorf("%s: %v", nonsense, err)
		}
	}
	reached, err := faultPoint(env("kill@switch"))
	if err != nil {
		t.Fatal(err)
	}
	reached("start") // another moment: we live
}
