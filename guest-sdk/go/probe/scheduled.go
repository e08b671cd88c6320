package main

import (
	"errors"
	"strconv"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
)

// tick writes a tick down and then does what the expression says where it is none.
func tick(ctx *pagesrun.Context, ev *pagesrun.ScheduledEvent) error {
	if err := seen.PutText("tick/"+ev.Cron, "due="+strconv.FormatInt(ev.ScheduledTime.UnixMilli(), 10)); err != nil {
		pagesrun.Log(pagesrun.LevelError, err.Error())
	}
	switch ev.Cron {
	case "throw":
		return errors.New("thrown by the tick")
	case "trap":
		panic("trap was asked for")
	case "late":
		ctx.WaitUntil(func() { ctx.Fail(errors.New("late failure")) })
	}
	return nil
}
