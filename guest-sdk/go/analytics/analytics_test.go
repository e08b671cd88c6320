package analytics_test

import (
	"fmt"
	"testing"

	pagesrun "github.com/pagesrun/pagesrun/guest-sdk/go"
	"github.com/pagesrun/pagesrun/guest-sdk/go/analytics"
	"github.com/pagesrun/pagesrun/guest-sdk/go/pagesruntest"
)

const visits = analytics.Dataset("VISITS")

func TestPointsAreWritten(t *testing.T) {
	points := []analytics.Point{
		{Index: "ä\xff", Blobs: []string{"/", "", "GET"}, Doubles: []float64{1, -0.5}},
		{},
		{Doubles: []float64{0}},
		{Index: "longer", Blobs: []string{string(make([]byte, 16_000))}},
	}
	function := pagesruntest.Start(t, pagesruntest.Config{Datasets: []string{"VISITS"}}, func() {
		pagesrun.HandleFetch(func(*pagesrun.Context, *pagesrun.Request) (*pagesrun.Response, error) {
			for _, p := range points {
				visits.Write(p)
			}
			analytics.Dataset("NONE").Write(points[0]) // no concern of the function's
			return pagesrun.Text(200, ""), nil
		})
	})
	if r := function.Fetch("GET", "/", ""); r.Status != 200 {
		t.Errorf("%+v", r)
	}
	if got := function.Points("VISITS"); fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", points) {
		t.Errorf("%+v", got)
	}
}

func TestWritingOutsideOfPagesrunDoesNothing(*testing.T) { visits.Write(analytics.Point{Index: "i"}) }
