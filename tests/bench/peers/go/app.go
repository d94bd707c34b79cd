// Hello Birthday as the documentations of net/http and the AWS SDK for Go v2 teach: a mux, and one client for life.
//
// Outside a module Go's mux knows no methods and wildcards unless it is told so.
//
//go:debug httpmuxgo121=0
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// With the default of 10 idle connections, those of all further requests would be closed and opened again.
const (
	idleConnections = 1024
	bodyLimit       = 4096
	day             = 24 * time.Hour
)

var (
	table    = aws.String("birthdays")
	username = regexp.MustCompile(`^[A-Za-z]{1,256}$`)
)

type user struct {
	DateOfBirth string `json:"dateOfBirth"`
}

type greeted struct {
	Message string `json:"message"`
}

type server struct{ client *dynamodb.Client }

func today() time.Time { return time.Now().UTC().Truncate(day) }

// daysUntil counts on; Go makes 1 March of a 29 February that a year does not have.
func daysUntil(born, now time.Time) int {
	birthday := time.Date(now.Year(), born.Month(), born.Day(), 0, 0, 0, 0, time.UTC)
	if birthday.Before(now) {
		birthday = time.Date(now.Year()+1, born.Month(), born.Day(), 0, 0, 0, 0, time.UTC)
	}
	return int(birthday.Sub(now) / day)
}

func greeting(name string, born, now time.Time) string {
	if days := daysUntil(born, now); days > 0 {
		return fmt.Sprintf("Hello, %s! Your birthday is in %d day(s)", name, days)
	}
	return fmt.Sprintf("Hello, %s! Happy Birthday!", name)
}

func (s server) put(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("username")
	var sent user
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyLimit)).Decode(&sent)
	born, wrong := time.Parse(time.DateOnly, sent.DateOfBirth)
	if err != nil || wrong != nil || !born.Before(today()) || !username.MatchString(name) {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	_, err = s.client.PutItem(r.Context(), &dynamodb.PutItemInput{TableName: table, Item: map[string]types.AttributeValue{
		"username":    &types.AttributeValueMemberS{Value: name},
		"dateOfBirth": &types.AttributeValueMemberS{Value: sent.DateOfBirth},
	}})
	if err != nil {
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s server) get(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("username")
	if !username.MatchString(name) {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	found, err := s.client.GetItem(r.Context(), &dynamodb.GetItemInput{
		TableName:      table,
		Key:            map[string]types.AttributeValue{"username": &types.AttributeValueMemberS{Value: name}},
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	stored, known := found.Item["dateOfBirth"].(*types.AttributeValueMemberS)
	if !known {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	born, err := time.Parse(time.DateOnly, stored.Value)
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	body, _ := json.Marshal(greeted{greeting(name, born, today())})
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

func main() {
	pool := awshttp.NewBuildableClient().WithTransportOptions(func(transport *http.Transport) {
		transport.MaxIdleConns = idleConnections
		transport.MaxIdleConnsPerHost = idleConnections
	})
	settings, err := config.LoadDefaultConfig(context.Background(), config.WithHTTPClient(pool))
	if err != nil {
		log.Fatal(err)
	}
	s := server{dynamodb.NewFromConfig(settings)}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /hello/{username}", s.put)
	mux.HandleFunc("GET /hello/{username}", s.get)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], mux))
}
