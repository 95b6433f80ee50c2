package extract

// Rate is the number of requests a minute that the client may send to an
// endpoint while nothing slows it down; 0 means that there is no limit.
func (c *Client) Rate(ep Endpoint) float64 {
	own := c.opts.rowQuota(ep.Table.Name, ep.Limit).perMinute()
	over, limited := c.opts.hostQuota(isTestKey(c.opts.Secret()))
	if !limited {
		return own
	}
	if all := over.perMinute(); own == 0 || all < own {
		return all
	}
	return own
}

// perMinute is the part of the quota that may be used; 0 means no limit.
func (q quota) perMinute() float64 {
	if q.n == Unlimited {
		return 0
	}
	return float64(q.n) * q.share * 60 / q.per.Seconds()
}
