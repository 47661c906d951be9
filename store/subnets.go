package store

import (
	"encoding/binary"
	"net/netip"

	"go.etcd.io/bbolt"

	"paas"
)

// subnetBits is the size of an app's network: 64 addresses, 61 of them for instances.
const subnetBits = 26

// unusable stands in the place of an app id for a subnet that clashes with another network of the host.
const unusable = "-"

// subnetPool checks the pool and gives the default for the zero value.
func subnetPool(pool netip.Prefix) (netip.Prefix, error) {
	if pool == (netip.Prefix{}) {
		pool = netip.MustParsePrefix("10.83.0.0/16")
	}
	if !pool.IsValid() || !pool.Addr().Is4() || pool.Bits() > subnetBits {
		return netip.Prefix{}, paas.Errorf(paas.Invalid, "%s cannot be a pool of app networks", pool).
			WithHint("give an IPv4 range of /%d or larger, for example: --subnet-pool 10.83.0.0/16", subnetBits)
	}
	return pool.Masked(), nil
}

// MoveSubnet gives the app another subnet because the present one overlaps with a network of this host; that one is never
// handed out again.
func (db *DB) MoveSubnet(id string) (paas.App, error) {
	return update(db, "move subnet of app "+id, func(tx *bbolt.Tx) (paas.App, error) {
		app, err := getApp(tx, id)
		if err != nil {
			return paas.App{}, err
		}
		subnet, err := takeSubnet(tx, db.pool, id)
		if err != nil {
			return paas.App{}, err
		}
		if err := tx.Bucket(bucketSubnets).Put(subnetKey(app.Subnet), []byte(unusable)); err != nil {
			return paas.App{}, err
		}
		app.Subnet = subnet
		return app, putApp(tx, app)
	})
}

// takeSubnet gives the first free subnet of the pool to the app.
func takeSubnet(tx *bbolt.Tx, pool netip.Prefix, id string) (netip.Prefix, error) {
	taken := tx.Bucket(bucketSubnets)
	first := binary.BigEndian.Uint32(pool.Addr().AsSlice())
	for i := range uint32(1) << (subnetBits - pool.Bits()) {
		key := binary.BigEndian.AppendUint32(nil, first+i<<(32-subnetBits))
		if taken.Get(key) == nil {
			return netip.PrefixFrom(netip.AddrFrom4([4]byte(key)), subnetBits), taken.Put(key, []byte(id))
		}
	}
	return netip.Prefix{}, paas.Errorf(paas.Conflict, "every network of the pool %s is taken", pool).
		WithHint("start paasd with another --subnet-pool, or destroy an app: paas apps")
}

func freeSubnet(tx *bbolt.Tx, subnet netip.Prefix) error {
	return tx.Bucket(bucketSubnets).Delete(subnetKey(subnet))
}

func subnetKey(subnet netip.Prefix) []byte { return subnet.Addr().AsSlice() }
