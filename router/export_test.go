package router

// Pending is how many changes wait to be written.
func Pending(c *Controller) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pending)
}

// Replace makes t the table, as if its routes had been applied one by one.
func Replace(c *Controller, t Table) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.table = t
	return save(c.dir, t, false)
}
