package runtime

import (
	"context"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"paas"
)

// pidsLimit of an instance: far above what an app needs, far below what hurts the host.
const pidsLimit = 4096

// nanoCPUs are the engine's units of what paas.CPU counts in thousandths.
const nanoCPUs = 1_000_000

// limitsOf are those of an instance that asks for a size. Processors that the host does not have are none to hold it to, and the
// engine would refuse them: an app may have come from a larger host.
func (d *Docker) limitsOf(ctx context.Context, size paas.Size) (paas.Size, error) {
	size = size.Or(d.defaultSize)
	if size.CPU == 0 {
		return size, nil
	}
	cpus := paas.CPU(d.hostCPUs.Load())
	if cpus == 0 {
		host, err := d.HostSize(ctx)
		if err != nil {
			return size, err
		}
		cpus = host.CPU
		d.hostCPUs.Store(int64(cpus))
	}
	size.CPU = min(size.CPU, cpus)
	return size, nil
}

// resources has the engine hold an instance to limits. Swap is no more memory: an instance that needs more than its size is to
// end and be replaced, not to drag the host along. Where the kernel does not account for swap the engine leaves that part
// out, and warns.
func resources(limits paas.Size) container.Resources {
	pids := int64(pidsLimit)
	return container.Resources{
		PidsLimit: &pids, Memory: int64(limits.Memory), MemorySwap: int64(limits.Memory), NanoCPUs: int64(limits.CPU) * nanoCPUs,
	}
}

// limits reads back what resources has set.
func limits(c *container.HostConfig) paas.Size {
	if c == nil {
		return paas.Size{}
	}
	return paas.Size{Memory: paas.Memory(c.Memory), CPU: paas.CPU(c.NanoCPUs / nanoCPUs)}
}

// HostSize is what the engine's host has.
func (d *Docker) HostSize(ctx context.Context) (paas.Size, error) {
	var host paas.Size
	err := d.call(ctx, readLimit, "ask the engine for its host", func(ctx context.Context) error {
		result, err := d.client.Info(ctx, client.InfoOptions{})
		host = paas.Size{Memory: paas.Memory(result.Info.MemTotal), CPU: paas.CPU(result.Info.NCPU * 1000)}
		return err
	})
	return host, err
}
