import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.PredictionsApi;
import org.openapitools.client.model.CreatePrediction;
import org.openapitools.client.model.Prediction;

/** Makes a picture through the client that openapi-generator generated. */
public final class Use {
    public static void main(String[] args) throws ApiException {
        ApiClient client = new ApiClient();
        client.updateBaseUri(System.getenv("ONESTEP_URL"));
        client.setRequestInterceptor(request ->
                request.header("Authorization", "Bearer " + System.getenv("ONESTEP_KEY")));
        PredictionsApi api = new PredictionsApi(client);

        CreatePrediction order = new CreatePrediction().input(Map.of("prompt", "a mill", "seed", 7));
        Prediction made = api.createPrediction(order, "wait=30", null, null);
        expect(made.getOutput().size() == 1, "there is no picture");
        expect(made.getReceipt().getImages().get(0).getSeed() == 7, "the receipt has another seed");
        try {
            api.getPrediction("none");
            throw new IllegalStateException("there is such a prediction");
        } catch (ApiException error) {
            expect(error.getCode() == 404, "another error came");
        }
    }

    private static void expect(boolean holds, String otherwise) {
        if (!holds) throw new IllegalStateException(otherwise);
    }
}
