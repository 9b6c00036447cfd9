import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.models.images.ImageGenerateParams;
import com.openai.models.images.ImageModel;
import com.openai.models.images.ImagesResponse;
import com.openai.models.models.ModelListPage;
import java.util.Base64;

/** The quick start of openai-java with base URL and key changed, every answer validated. */
public final class QuickStart {
    public static void main(String[] args) {
        OpenAIClient client = OpenAIOkHttpClient.builder()
                .baseUrl(System.getenv("ONESTEP_URL") + "/v1")
                .apiKey(System.getenv("ONESTEP_KEY"))
                .responseValidation(true)
                .build();

        ImagesResponse image = client.images().generate(ImageGenerateParams.builder()
                .prompt("a cute baby sea otter")
                .model(ImageModel.GPT_IMAGE_1)
                .size(ImageGenerateParams.Size._1536X1024)
                .quality(ImageGenerateParams.Quality.HIGH)
                .build());
        byte[] bytes = Base64.getDecoder().decode(image.data().get().get(0).b64Json().get());
        expect(bytes[1] == 'P' && bytes[2] == 'N' && bytes[3] == 'G', "the picture is no PNG");

        ImagesResponse link = client.images().generate(ImageGenerateParams.builder()
                .prompt("a cute baby sea otter")
                .model(ImageModel.DALL_E_3)
                .responseFormat(ImageGenerateParams.ResponseFormat.URL)
                .build());
        expect(link.data().get().get(0).url().isPresent(), "there is no URL");
        link.validate();

        ModelListPage models = client.models().list();
        models.data().forEach(model -> model.validate());
        expect(models.data().size() > 1, "the models are not listed");
        System.exit(0);
    }

    private static void expect(boolean holds, String otherwise) {
        if (!holds) throw new IllegalStateException(otherwise);
    }
}
