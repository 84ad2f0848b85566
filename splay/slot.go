package splay

// SlotFraction is the fraction of the k-th slot, counted from 0: the fractional part of
// k times the golden ratio. Whatever their number, slots are as far from each other as
// can be, and adding one moves none.
//
// It is reckoned in whole numbers, because it is a promise: collectors on different
// processors that share one database must agree to the last bit.
func SlotFraction(k int) float64 {
	const bits = 53
	const golden = 0x9E3779B97F4A7C15 // (√5-1)/2 of 2^64
	return float64((uint64(k)*golden)>>(64-bits)) / (1 << bits)
}
