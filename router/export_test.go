package router

// Pending is how many changes wait to be written.
func Pending(c *Controller) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pending)
}
