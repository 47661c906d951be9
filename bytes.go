package paas

import (
	"regexp"
	"strconv"
	"strings"
)

// Bytes is an amount of data on a disk. A kB is 1,000 of them, an MB 1,000 kB, and so on, as disks are sold.
type Bytes int64

// byteUnits are the steps of a thousand, from the smallest.
var byteUnits = []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}

// String shows two digits or more, in the largest unit that has a whole one of them: 0 B, 1.2 kB, 12 MB, 256 GB.
func (b Bytes) String() string {
	sign, v := "", float64(b)
	if v < 0 {
		sign, v = "-", -v
	}
	unit := 0
	for ; unit < len(byteUnits)-1 && v >= 999.5; unit++ {
		v /= 1000
	}
	decimals := 0
	if unit > 0 && v < 9.95 {
		decimals = 1
	}
	return sign + strings.TrimSuffix(strconv.FormatFloat(v, 'f', decimals, 64), ".0") + " " + byteUnits[unit]
}

// byteForm is a number and its unit, of which "B" may be left out: 10GB, 1.5 g, 512mb, 4096.
var byteForm = regexp.MustCompile(`(?i)^([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([kmgtpe]?)b?$`)

// ParseBytes reads an amount as a person writes it.
func ParseBytes(text string) (Bytes, error) {
	parts := byteForm.FindStringSubmatch(text)
	if parts == nil {
		return 0, badBytes(text)
	}
	v, err := strconv.ParseFloat(parts[1], 64)
	if err != nil {
		return 0, badBytes(text)
	}
	for range strings.Index("kmgtpe", strings.ToLower(parts[2])) + min(1, len(parts[2])) {
		v *= 1000
	}
	if v > 1<<62 {
		return 0, badBytes(text)
	}
	return Bytes(v), nil
}

func badBytes(text string) error {
	return Errorf(Invalid, "%s is not an amount of bytes", Quote(text)).WithHint("for example 10GB, 512MB or 0")
}
