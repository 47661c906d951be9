package client

import (
	"context"
	"net/http"

	"paas"
)

// Schedules lists the schedules of an app by name.
func (c *Client) Schedules(ctx context.Context, app string) ([]paas.ScheduleInfo, error) {
	return get[[]paas.ScheduleInfo](ctx, c, app, "cron")
}

// AddSchedule adds a schedule; one without a name is given one.
func (c *Client) AddSchedule(ctx context.Context, app string, s paas.Schedule) (paas.ScheduleInfo, error) {
	if err := checkText(append([]string{s.Cron, s.Timezone}, s.Command...), nil); err != nil {
		return paas.ScheduleInfo{}, err
	}
	return write[paas.ScheduleInfo](ctx, c, http.MethodPost, s, app, "cron")
}

// SetSchedule changes a schedule.
func (c *Client) SetSchedule(ctx context.Context, app, name string, patch paas.SchedulePatch) (paas.ScheduleInfo, error) {
	return write[paas.ScheduleInfo](ctx, c, http.MethodPatch, patch, app, "cron", name)
}

// RemoveSchedule removes a schedule that was added.
func (c *Client) RemoveSchedule(ctx context.Context, app, name string) (paas.ScheduleInfo, error) {
	return write[paas.ScheduleInfo](ctx, c, http.MethodDelete, nil, app, "cron", name)
}

// RunSchedule runs a schedule's command now.
func (c *Client) RunSchedule(ctx context.Context, app, name string) (paas.RunInfo, error) {
	return write[paas.RunInfo](ctx, c, http.MethodPost, nil, app, "cron", name, "run")
}
