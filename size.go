package paas

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Size is what one instance may take of the machine. A zero field means the platform's default, which may be no bound.
type Size struct {
	Memory Memory
	CPU    CPU
}

// Memory is an amount of memory in bytes. Its units are steps of 1,024, as everybody means them of memory: 512mb are
// 512 × 1,048,576 bytes.
type Memory int64

// CPU is a share of processors in thousandths of one.
type CPU int64

// The least that an instance can be held to: the engine refuses less memory than 6 MB.
const (
	MinMemory Memory = 8 << 20
	MinCPU    CPU    = 10
)

// The most that is taken for a size and not for a slip of the hand.
const (
	MaxMemory Memory = 1 << 44
	MaxCPU    CPU    = 1024 * 1000
)

var (
	memoryForm = regexp.MustCompile(`(?i)^([0-9]{1,9}(?:\.[0-9]{1,3})?) ?(k|m|g|t)i?b?$`)
	cpuForm    = regexp.MustCompile(`(?i)^([0-9]{1,5}(?:\.[0-9]{1,3})?) ?(?:cpus?)?$`)
)

// ParseMemory reads an amount of memory as a person writes it: 512mb, 1.5g, 2GB.
func ParseMemory(text string) (Memory, error) {
	parts := memoryForm.FindStringSubmatch(text)
	if parts == nil {
		return 0, Errorf(Invalid, "%s is not an amount of memory", Quote(text)).WithHint("for example 512mb or 2gb")
	}
	v, err := strconv.ParseFloat(parts[1], 64)
	if err != nil {
		return 0, Errorf(Invalid, "%s is not an amount of memory", Quote(text)).WithHint("for example 512mb or 2gb")
	}
	for range strings.Index("kmgt", strings.ToLower(parts[2])) + 1 {
		v *= 1024
	}
	m := Memory(v)
	if m < MinMemory || m > MaxMemory {
		return 0, Errorf(Invalid, "%s of memory is not between %s and %s", Quote(text), MinMemory, MaxMemory).WithHint("for example 512mb or 2gb")
	}
	return m, nil
}

// String is the amount in the largest unit that has no fraction of more than one digit: 512mb, 1.5gb. ParseMemory reads it back,
// rounded where it has to be.
func (m Memory) String() string {
	for i, unit := range []string{"tb", "gb", "mb"} {
		if scale := float64(int64(1) << (40 - 10*i)); float64(m) >= scale {
			v := float64(m) / scale
			if short := strconv.FormatFloat(v, 'f', 1, 64); unit == "mb" || strings.HasSuffix(short, ".0") || float64(m) == mustFloat(short)*scale {
				return strings.TrimSuffix(short, ".0") + unit
			}
		}
	}
	return strconv.FormatInt(int64(m+512)>>10, 10) + "kb"
}

// mustFloat reads back what FormatFloat has written.
func mustFloat(s string) float64 {
	v, _ := strconv.ParseFloat(s, 64)
	return v
}

// String is the share with its unit: 0.5cpu.
func (c CPU) String() string {
	return strconv.FormatFloat(float64(c)/1000, 'f', -1, 64) + "cpu"
}

// ParseCPU reads a share of processors as a person writes it: 0.5cpu, 2.
func ParseCPU(text string) (CPU, error) {
	parts := cpuForm.FindStringSubmatch(text)
	if parts == nil {
		return 0, Errorf(Invalid, "%s is not a number of processors", Quote(text)).WithHint("for example 0.5cpu or 2cpu")
	}
	v, err := strconv.ParseFloat(parts[1], 64)
	c := CPU(v*1000 + 0.5)
	if err != nil || c < MinCPU || c > MaxCPU {
		return 0, Errorf(Invalid, "%s is not between %s and %s", Quote(text), MinCPU, MaxCPU).WithHint("for example 0.5cpu or 2cpu")
	}
	return c, nil
}

// ParseSize reads memory, processors, or both with a colon between them, in either order: 512mb:0.5cpu, 1gb, 2cpu.
func ParseSize(text string) (Size, error) {
	var s Size
	for part := range strings.SplitSeq(text, ":") {
		var err error
		switch lower := strings.ToLower(part); {
		case strings.Contains(lower, "cpu") && s.CPU == 0:
			s.CPU, err = ParseCPU(part)
		case !strings.Contains(lower, "cpu") && s.Memory == 0:
			s.Memory, err = ParseMemory(part)
		default:
			err = fmt.Errorf("%s is given twice", Quote(part))
		}
		if err != nil {
			return Size{}, Errorf(Invalid, "%s is not a size: %w", Quote(text), err).WithHint("give memory, processors or both: 512mb:0.5cpu")
		}
	}
	return s, nil
}

// String is the size as ParseSize reads it; empty for the zero size.
func (s Size) String() string {
	switch {
	case s == Size{}:
		return ""
	case s.CPU == 0:
		return s.Memory.String()
	case s.Memory == 0:
		return s.CPU.String()
	}
	return s.Memory.String() + ":" + s.CPU.String()
}

// MarshalText makes a size the text that a person writes, in JSON as well.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Size) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*s = Size{}
		return nil
	}
	*s, err = ParseSize(string(text))
	return err
}
