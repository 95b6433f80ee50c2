package extract

// Rate is the number of requests a minute that the client may send to an
// endpoint while nothing slows it down; 0 means that there is no limit.
func (c *Client) Rate(ep Endpoint) float64 {
	own := c.opts.rowQuota(ep.Table.Name, ep.Limit).rate() * 60
	over, limited := c.opts.hostQuota(isTestKey(c.opts.Secret()))
	if !limited {
		return own
	}
	if all := over.rate() * 60; own == 0 || all < own {
		return all
	}
	return own
}
